# Walkers in memory: those in cubes wait in one heap per kind, the others stand in lists; bins tell who is around a place.

cdef packed struct Walker:
    double began            # clock of its kind when its cube was drawn
    int16_t x, y, z
    uint8_t kind, size      # half-size of the cube, counted from 1; or HOPPING, STUCK, GONE
    int32_t queue           # place in the heap or the list of its kind
    int32_t place           # in the list of those that can attach; -1
    int32_t next, before    # in its bin; -1
    int32_t waits           # whether it is to be looked at

cdef struct Due:
    double at               # clock of the kind
    int32_t walker

cdef struct Queue:
    Due *item
    int64_t number, room

cdef struct Row:
    int32_t *item
    int64_t number, room

cdef enum:
    HOPPING = 0
    STUCK = 254             # all six grid points around are taken
    GONE = 255
    SMALL = 4               # half-size of cubes that are found from their bins



cdef void *larger(void *old, int64_t size) except NULL:
    cdef void *new = PyMem_RawRealloc(old, size)
    if new == NULL:
        raise MemoryError("no memory for more walkers")
    return new


cdef int by_number(const void *a, const void *b) noexcept nogil:
    cdef int32_t first = (<int32_t *>a)[0], second = (<int32_t *>b)[0]
    return (first > second) - (first < second)


cdef class Lists(Grids):
    """The walkers, and where each is found: in the heap or a list of its kind, and in a bin of its grid."""

    cdef int kinds
    cdef Walker *walker
    cdef int32_t *vacant                    # numbers of walkers that are gone
    # who waits to be looked at, after those that ``settle`` has looked at and not yet dropped. Nobody waits twice, and
    # it drops them once they are ``walkers``, so that twice as many places can never be too few.
    cdef int32_t *todo
    cdef int64_t walkers, used, vacancies, waiting, spare
    cdef Queue *heap
    cdef Row *near
    cdef Row *stuck
    cdef Row *ready                         # per element, atoms on places where they can attach
    cdef bint tight, changed_lists
    cdef int32_t[:, :, ::1] head            # (element, in no cube or in one, block): the first walker of a block, -1
    cdef uint8_t[256] half_size             # by ``size`` of a walker
    cdef uint8_t[::1] grid                  # element on whose grid each kind walks

    def __cinit__(self):
        self.walker, self.vacant, self.todo = NULL, NULL, NULL
        self.heap, self.near, self.stuck, self.ready = NULL, NULL, NULL, NULL
        self.kinds = 0

    def __dealloc__(self):
        cdef int k
        for k in range(self.kinds):
            PyMem_RawFree(self.heap[k].item)
            PyMem_RawFree(self.near[k].item)
            PyMem_RawFree(self.stuck[k].item)
            PyMem_RawFree(self.ready[k].item)
        PyMem_RawFree(self.walker)
        PyMem_RawFree(self.vacant)
        PyMem_RawFree(self.todo)
        PyMem_RawFree(self.heap)
        PyMem_RawFree(self.near)
        PyMem_RawFree(self.stuck)
        PyMem_RawFree(self.ready)

    def set_lists(self, int kinds, sizes):
        """Lists for so many kinds, and bins for cubes of some half-sizes."""
        cdef int k
        self.heap = <Queue *>larger(NULL, kinds * sizeof(Queue))
        self.near = <Row *>larger(NULL, kinds * sizeof(Row))
        self.stuck = <Row *>larger(NULL, kinds * sizeof(Row))
        self.ready = <Row *>larger(NULL, kinds * sizeof(Row))
        for k in range(kinds):
            self.heap[k] = Queue(NULL, 0, 0)
            self.near[k] = self.stuck[k] = self.ready[k] = Row(NULL, 0, 0)
        self.kinds = kinds
        self.walkers = self.used = self.vacancies = self.waiting = 0
        for k in range(256):
            self.half_size[k] = 0
        for k in range(len(sizes)):
            self.half_size[k + 1] = sizes[k]
        self.head = np.full((self.elements, 2, self.bx * self.by * self.bz), -1, dtype=np.int32)
        self.grid = np.array([k if k < self.elements else 0 for k in range(kinds)], dtype=np.uint8)
        self.reserve(0)

    def reserve(self, int64_t more):
        """Memory for so many walkers more."""
        cdef int k
        cdef int64_t room
        if self.used - self.vacancies + more + self.spare > self.walkers:
            room = 2 * (self.used + more + self.spare)
            if room > 2**31 - 1:
                raise BadInput("walkers: more than a billion do not fit into one box; simulate a smaller one.")
            self.walker = <Walker *>larger(self.walker, room * sizeof(Walker))
            self.vacant = <int32_t *>larger(self.vacant, room * sizeof(int32_t))
            self.todo = <int32_t *>larger(self.todo, 2 * room * sizeof(int32_t))
            self.walkers = room
        for k in range(self.kinds):
            room = self.amount[k] + more + self.spare
            if room > self.heap[k].room:
                self.heap[k].item = <Due *>larger(self.heap[k].item, 2 * room * sizeof(Due))
                self.near[k].item = <int32_t *>larger(self.near[k].item, 2 * room * sizeof(int32_t))
                self.stuck[k].item = <int32_t *>larger(self.stuck[k].item, 2 * room * sizeof(int32_t))
                self.ready[k].item = <int32_t *>larger(self.ready[k].item, 2 * room * sizeof(int32_t))
                self.heap[k].room = 2 * room
        self.tight = False

    def make_room(self):
        if self.full:
            super().make_room()
        if self.tight:
            self.reserve(0)

    # -- rows and heaps ---------------------------------------------------------------------

    cdef inline void add(self, Row *row, int32_t w) noexcept nogil:
        row.item[row.number] = w
        self.walker[w].queue = <int32_t>row.number
        row.number += 1
        self.changed_lists = True

    cdef inline void drop(self, Row *row, int32_t w) noexcept nogil:
        cdef int32_t last = row.item[row.number - 1]
        row.number -= 1
        row.item[self.walker[w].queue] = last
        self.walker[last].queue = self.walker[w].queue
        self.changed_lists = True

    cdef inline void make_ready(self, int k, int32_t w) noexcept nogil:
        if self.walker[w].place < 0:
            self.ready[k].item[self.ready[k].number] = w
            self.walker[w].place = <int32_t>self.ready[k].number
            self.ready[k].number += 1
            self.changed_lists = True

    cdef inline void not_ready(self, int k, int32_t w) noexcept nogil:
        cdef int32_t last
        if self.walker[w].place >= 0:
            self.ready[k].number -= 1
            last = self.ready[k].item[self.ready[k].number]
            self.ready[k].item[self.walker[w].place] = last
            self.walker[last].place = self.walker[w].place
            self.walker[w].place = -1
            self.changed_lists = True

    cdef inline void rise(self, Queue *q, int64_t i, Due d) noexcept nogil:
        cdef int64_t above
        while i > 0:
            above = (i - 1) >> 2
            if q.item[above].at <= d.at:
                break
            q.item[i] = q.item[above]
            self.walker[q.item[i].walker].queue = <int32_t>i
            i = above
        q.item[i] = d
        self.walker[d.walker].queue = <int32_t>i

    cdef inline void requeue(self, Queue *q, int64_t i, Due d) noexcept nogil:
        """Put an entry into the place of another one, or where it belongs from there."""
        cdef int64_t c, best, j, last
        if i > 0 and q.item[(i - 1) >> 2].at > d.at:
            self.rise(q, i, d)
            return
        while True:
            c = 4 * i + 1
            if c >= q.number:
                break
            best, last = c, min(c + 4, q.number)
            for j in range(c + 1, last):
                if q.item[j].at < q.item[best].at:
                    best = j
            if q.item[best].at >= d.at:
                break
            q.item[i] = q.item[best]
            self.walker[q.item[i].walker].queue = <int32_t>i
            i = best
        q.item[i] = d
        self.walker[d.walker].queue = <int32_t>i

    cdef inline void enqueue(self, Queue *q, Due d) noexcept nogil:
        q.number += 1
        self.rise(q, q.number - 1, d)

    cdef inline void dequeue(self, Queue *q, int32_t w) noexcept nogil:
        cdef int64_t i = self.walker[w].queue
        q.number -= 1
        if i < q.number:
            self.requeue(q, i, q.item[q.number])

    # -- bins -------------------------------------------------------------------------------

    cdef inline void link(self, int32_t w) noexcept nogil:
        cdef Walker *of = &self.walker[w]
        cdef int32_t *first = &self.head[self.grid[of.kind], self.half_size[of.size] > 0, self.block_of(of.x, of.y, of.z)]
        of.before, of.next = -1, first[0]
        if of.next >= 0:
            self.walker[of.next].before = w
        first[0] = w

    cdef inline void unlink(self, int32_t w) noexcept nogil:
        cdef Walker *of = &self.walker[w]
        if of.before >= 0:
            self.walker[of.before].next = of.next
        else:
            self.head[self.grid[of.kind], self.half_size[of.size] > 0, self.block_of(of.x, of.y, of.z)] = of.next
        if of.next >= 0:
            self.walker[of.next].before = of.before

    # -- who is to be looked at -------------------------------------------------------------

    cdef inline void call(self, int32_t w) noexcept nogil:
        if not self.walker[w].waits:
            self.walker[w].waits = 1
            self.todo[self.waiting] = w
            self.waiting += 1

    cdef void forget(self, int64_t number) noexcept nogil:
        """The first of those that were called have been looked at."""
        cdef int64_t i
        for i in range(self.waiting - number):
            self.todo[i] = self.todo[i + number]
        self.waiting -= number

    cdef void in_order(self, int64_t first) noexcept nogil:
        """Those called last in the order of their numbers, whatever that of the bins."""
        if self.waiting - first > 1:
            qsort(&self.todo[first], self.waiting - first, sizeof(int32_t), by_number)

    cdef inline int stretches(self, int low, int high, int points, int blocks, int *first, int *last) noexcept nogil:
        """Blocks along an edge that the points from low to high lie in: one or two stretches."""
        if high - low + 1 >= points:
            first[0], last[0] = 0, blocks - 1
            return 1
        low = low + points if low < 0 else (low - points if low >= points else low)
        high = high - points if high >= points else (high + points if high < 0 else high)
        if low <= high:
            first[0], last[0] = low >> 2, high >> 2
            return 1
        if high >> 2 >= low >> 2:
            first[0], last[0] = 0, blocks - 1
            return 1
        first[0], last[0] = low >> 2, blocks - 1
        first[1], last[1] = 0, high >> 2
        return 2

    cdef inline bint beside(self, int x, int low, int high, int m, int points) noexcept nogil:
        """Whether a coordinate lies within m of those from low to high, around the edge."""
        cdef int d = x - low
        if high - low + 1 >= points:
            return True
        d = d + points if d < 0 else (d - points if d >= points else d)
        d = d + points if d < 0 else (d - points if d >= points else d)
        return d <= high - low + m or points - d <= m

    cdef void call_around(self, int e, int *low, int *high, bint cubes) noexcept nogil:
        """Call the walkers in no cube at points from low to high, or those whose small cubes reach there."""
        cdef int[2] fx
        cdef int[2] lx
        cdef int[2] fy
        cdef int[2] ly
        cdef int[2] fz
        cdef int[2] lz
        cdef int reach = SMALL if cubes else 0, nx, ny, nz, i, j, k, x, y, z, m
        cdef int32_t w
        cdef Walker *of
        nx = self.stretches(low[0] - reach, high[0] + reach, self.gx, self.bx, fx, lx)
        ny = self.stretches(low[1] - reach, high[1] + reach, self.gy, self.by, fy, ly)
        nz = self.stretches(low[2] - reach, high[2] + reach, self.gz, self.bz, fz, lz)
        for i in range(nx):
            for x in range(fx[i], lx[i] + 1):
                for j in range(ny):
                    for y in range(fy[j], ly[j] + 1):
                        for k in range(nz):
                            for z in range(fz[k], lz[k] + 1):
                                w = self.head[e, cubes, (x * self.by + y) * self.bz + z]
                                while w >= 0:
                                    of = &self.walker[w]
                                    m = self.half_size[of.size]
                                    if m <= SMALL and self.beside(of.x, low[0], high[0], m, self.gx) and self.beside(
                                            of.y, low[1], high[1], m, self.gy) and self.beside(
                                            of.z, low[2], high[2], m, self.gz):
                                        self.call(w)
                                    w = of.next

    cdef void nearer(self, int e, int k) noexcept nogil:
        """Larger cubes stay within blocks at a distance above zero; they are given up where they do no longer."""
        cdef int32_t w = self.head[e, 1, k]
        cdef int m
        while w >= 0:
            m = self.half_size[self.walker[w].size]
            if m > SMALL and m > self.surely_free(e, self.walker[w].x, self.walker[w].y, self.walker[w].z):
                self.call(w)
            w = self.walker[w].next

    cdef bint shared(self, int e, int x, int y, int z, int32_t but) noexcept nogil:
        """Whether another walker of a grid stands at a point, in no cube."""
        cdef int32_t w = self.head[e, 0, self.block_of(x, y, z)]
        while w >= 0:
            if w != but and self.walker[w].x == x and self.walker[w].y == y and self.walker[w].z == z:
                return True
            w = self.walker[w].next
        return False
