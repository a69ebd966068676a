# Matter that comes and goes: reactions of single walkers, molecules from syringes, the reservoir outside.

cdef inline int within(int x, int points) noexcept nogil:
    """A coordinate, however far outside, in the periodic box."""
    x = x % points      # keeps the sign of x
    return x + points if x < 0 else x


cdef class Matter(Moves):
    """Atoms of each element walk first in the order of kinds, then the molecules that react in the end."""

    cdef double[::1] far0, far1, far        # walkers per grid point outside of the region
    cdef int32_t[::1] spread_of             # how far from a molecule its parts appear [grid points]

    def set_solution(self, int elements, bint endless, amount, expand, reactions, content):
        """As in the kernel with a stirred solution, which is empty at first: ``dissolve`` puts walkers into the box.

        ``reactions`` are of first order in one kind and take one walker.
        """
        if endless:
            raise BadInput('solution = "walkers": what the crystals take is followed, so the solution cannot be endless.')
        if np.any(np.asarray(amount)):
            raise ValueError("walkers are dissolved once the crystals are in their places")
        reactant, order, consumed, change, power = (
            np.asarray(reactions[k], dtype=float) for k in ("reactant", "order", "consumed", "change", "power")
        )
        for r in range(len(power)):
            one = np.flatnonzero(reactant[r] >= 0)
            first = len(one) == 1 and order[r, one[0]] == 1.0 and consumed[r, one[0]] == 1.0 and power[r] == 0.0
            made = change[r].copy()
            if first:
                made[int(reactant[r, one[0]])] += 1.0
            if not first or np.any(made < 0.0):
                raise BadInput(
                    f'reaction {r + 1}: with solution = "walkers" a reaction is of first order in one species, of which '
                    'it takes one molecule; others need a stirred solution.'
                )
        Kernel.set_solution(self, elements, endless, amount, expand, reactions, content)

    cdef inline uint64_t part(self, uint64_t *word, int64_t number) noexcept nogil:
        """One of so many, and what is left of the word."""
        cdef uint64_t high
        word[0] = multiply_wide(word[0], <uint64_t>number, &high)
        return high

    cdef void anywhere(self, int *p) noexcept nogil:
        """A grid point of the walkers' region."""
        cdef uint64_t word = self.stream.word()
        cdef int i
        for i in range(3):
            p[i] = self.low[i] + <int>self.part(&word, self.high[i] - self.low[i])

    cdef int32_t any_of(self, int k) noexcept nogil:
        """A walker of a kind, each with the same chance."""
        cdef uint64_t word = self.stream.word()
        cdef int64_t n = <int64_t>self.part(&word, self.amount[k])
        if n < self.heap[k].number:
            return self.heap[k].item[n].walker
        n -= self.heap[k].number
        if n < self.near[k].number:
            return self.near[k].item[n]
        return self.stuck[k].item[n - self.near[k].number]

    cdef void here(self, int32_t w, int *p) noexcept nogil:
        """Where a walker that will be no more is now."""
        cdef int[3] step
        step[0] = step[1] = step[2] = 0
        if self.walker[w].size != HOPPING and self.walker[w].size != STUCK:
            self.inside_cube(self.stream, w, self.clock(self.walker[w].kind, self.now), step)
        p[0] = (self.walker[w].x + step[0] + self.gx) % self.gx
        p[1] = (self.walker[w].y + step[1] + self.gy) % self.gy
        p[2] = (self.walker[w].z + step[2] + self.gz) % self.gz

    cdef void release(self, int k, int e, int reach, int *p) noexcept nogil:
        """A new walker at any open point up to ``reach`` from a point of the grid of element e, on the shifted grid of
        another element from the eight points around it; where crystals leave none, up to twice and four times as far.
        If there is none it stands at the point itself."""
        cdef int f = self.grid[k], shift, width, i, far, wider
        cdef int[3] q
        cdef uint64_t word
        for wider in range(3):
            far = reach << wider
            shift, width = -far - (f > e), 2 * far + 1 + (f != e)
            if width == 1:
                break
            for i in range(100):
                word = self.stream.word()
                q[0] = within(p[0] + shift + <int>self.part(&word, width), self.gx)
                q[1] = within(p[1] + shift + <int>self.part(&word, width), self.gy)
                q[2] = within(p[2] + shift + <int>self.part(&word, width), self.gz)
                if not self.outside(q[0], q[1], q[2]) and not self.blocked(f, q[0], q[1], q[2]) and not self.enclosed(f, q):
                    self.create(k, q[0], q[1], q[2])
                    return
        self.create(k, p[0], p[1], p[2])

    cdef void react(self, int r) noexcept nogil:
        cdef int k = <int>self.reactant[r, 0], e = self.grid[k], q
        cdef int64_t n
        cdef int[3] p
        cdef int32_t w = self.any_of(k)
        self.here(w, p)
        self.remove(w)
        for q in range(self.kinds):
            for n in range(self.change[r, q] + (q == k)):
                self.release(q, e, self.spread_of[k], p)
        self.done_view[r] += 1
        self.dirty = <uint64_t>0xFFFFFFFFFFFFFFFF

    cdef void give_back(self, int element, int32_t s) noexcept nogil:
        cdef int[3] p
        self.point_of(s, p)
        self.create(element, p[0], p[1], p[2])

    cdef void hop_from(self, int32_t s, int direction) noexcept nogil:
        """As in a stirred solution, but not onto a place where a walker stands, nor into the reservoir."""
        cdef int32_t[MOST] out
        cdef int[3] p
        cdef int e
        self.around(s, self.hop, self.hop_jump, self.hop_number, out)
        e = self.kind[self.point_of(out[direction], p)]
        if self.outside(p[0], p[1], p[2]) or self.shared(e, p[0], p[1], p[2], -1):
            self.idle += 1
            return
        Kernel.hop_from(self, s, direction)

    cdef void put(self, int64_t *number) noexcept nogil:
        """Walkers of each kind that appear together, at any point that is not taken, nor has taken ones all around."""
        cdef int[3] p
        cdef int k, tries = 0
        cdef int64_t n
        cdef bint good = False
        while not good and tries < 10000:
            self.anywhere(p)
            good = True
            for k in range(self.kinds):
                if number[k] and (self.blocked(self.grid[k], p[0], p[1], p[2]) or self.enclosed(self.grid[k], p)):
                    good = False
            tries += 1
        for k in range(self.kinds):
            for n in range(number[k]):
                self.create(k, p[0], p[1], p[2])

    cdef void enter(self, int i, uint64_t word) noexcept nogil:
        self.put(&self.expand[self.leave_syringe(i, word), 0])
        self.dirty = <uint64_t>0xFFFFFFFFFFFFFFFF

    def dissolve(self, change):
        """Put walkers of each kind at open points, each at any; negative numbers take some away, each any one."""
        cdef int64_t[::1] one = np.zeros(self.kinds, dtype=np.int64)
        cdef int k
        cdef int64_t n, number
        for k, number in enumerate(int(c) for c in change):
            if -number > self.amount[k]:
                raise ValueError(f"there are {self.amount[k]} walkers of kind {k}, too few to take {-number}")
            self.reserve(max(number, 0))
            one[:] = 0
            one[k] = 1
            with nogil:
                for n in range(number):
                    self.put(&one[0])
                for n in range(-number):
                    self.remove(self.any_of(k))
            self.reserve(0)
        self.dirty = <uint64_t>0xFFFFFFFFFFFFFFFF
        self.changed_lists = True

    cdef inline int64_t links(self) noexcept nogil:
        """Steps that lead from outside into the region."""
        cdef int64_t a = self.high[0] - self.low[0], b = self.high[1] - self.low[1], c = self.high[2] - self.low[2]
        return 2 * (a * b + b * c + c * a) if self.opened else 0

    cdef void step_in(self, int k) noexcept nogil:
        """A walker steps in from outside, by any of the links with the same chance."""
        cdef uint64_t word = self.stream.word()
        cdef int64_t n = <int64_t>self.part(&word, self.links()), faces
        cdef int[3] p
        cdef int i, a, b
        for i in range(3):
            a, b = (i + 1) % 3, (i + 2) % 3
            faces = <int64_t>(self.high[a] - self.low[a]) * (self.high[b] - self.low[b])
            if n < 2 * faces:
                break
            n -= 2 * faces
        p[i] = self.low[i] if n < faces else self.high[i] - 1
        n = n % faces
        p[a] = self.low[a] + <int>(n // (self.high[b] - self.low[b]))
        p[b] = self.low[b] + <int>(n % (self.high[b] - self.low[b]))
        self.moves += 1
        if self.blocked(self.grid[k], p[0], p[1], p[2]):
            self.blocked_moves += 1
            return
        self.stepped_in[k] += 1
        self.create(k, p[0], p[1], p[2])
