# The grid points on which walkers walk, and how far the next site is that is taken or can be: masks of blocks of
# 4 x 4 x 4 points, and the distance of each block, in blocks, from those that hold such sites.

cdef enum:
    FAR = 40            # distances are counted up to here [blocks]


cdef class Grids(Kernel):
    """The lattice, and one cubic grid per element on which its dissolved atoms walk; its sites are points of it.

    A site is active if it is taken or has a taken neighbour, so that an atom can attach. ``distance`` is that to the
    blocks at distance zero, which hold active sites or once did.
    """

    cdef int gx, gy, gz, bx, by, bz         # points and blocks along the edges of the box
    cdef int sx, sy, sz                     # binary logarithms of the parts of a cell
    cdef int8_t[:, ::1] place               # (element, part of the cell) -> site of the cell, -1
    cdef int32_t[:, ::1] point              # (basis, 3) of the sites of a cell
    cdef int32_t[:, :, :, ::1] reach        # (basis, element, least and largest, 3) points around a site that changes
    cdef uint64_t[:, ::1] active, held      # bits of the points of a block: active sites, taken sites
    cdef uint8_t[:, ::1] distance
    cdef int32_t[::1] visited
    cdef int64_t[::1] filled, stale         # blocks with active sites; at distance zero without
    cdef uint64_t[4][4] span_x, span_y, span_z
    cdef bint on_grid

    def set_grid(self, parts, point):
        """``parts`` (3,) of a cell's edges, powers of two; ``point`` (basis, 3) of its sites, on their elements' grids."""
        cdef int a, b, i, e, f
        parts = [int(p) for p in parts]
        self.sx, self.sy, self.sz = (p.bit_length() - 1 for p in parts)
        self.point = np.ascontiguousarray(point, dtype=np.int32)
        elements = int(max(self.kind)) + 1
        place = np.full((elements, int(np.prod(parts))), -1, dtype=np.int8)
        for b in range(self.basis):
            x, y, z = self.point[b]
            place[self.kind[b], (x * parts[1] + y) * parts[2] + z] = b
        self.place = place
        self.gx, self.gy, self.gz = self.nx << self.sx, self.ny << self.sy, self.nz << self.sz
        self.bx, self.by, self.bz = (self.gx + 3) // 4, (self.gy + 3) // 4, (self.gz + 3) // 4
        reach = np.zeros((self.basis, elements, 2, 3), dtype=np.int32)
        near = np.asarray(self.near)
        for b in range(self.basis):
            for e in range(elements):
                # walkers beside a site of their element may not step onto it, hence one point around
                own = [[-1, -1, -1], [1, 1, 1]] if e == self.kind[b] else []
                steps = [n[:3] * parts + np.asarray(self.point)[n[3]] - np.asarray(self.point)[b]
                         for n in near[b] if self.kind[n[3]] == e]
                together = np.array([*own, *steps]) if own or steps else np.zeros((1, 3), dtype=int)
                reach[b, e] = together.min(axis=0), together.max(axis=0)
        self.reach = reach
        blocks = self.bx * self.by * self.bz
        self.active, self.held = (np.zeros((elements, blocks), dtype=np.uint64) for _ in range(2))
        self.distance = np.full((elements, blocks), FAR, dtype=np.uint8)
        self.visited = np.zeros(blocks, dtype=np.int32)
        self.filled, self.stale = np.zeros(elements, dtype=np.int64), np.zeros(elements, dtype=np.int64)
        for a in range(4):
            for b in range(a, 4):
                self.span_x[a][b] = self.span_y[a][b] = self.span_z[a][b] = 0
                for i in range(64):
                    if a <= i >> 4 <= b:
                        self.span_x[a][b] |= <uint64_t>1 << i
                    if a <= (i >> 2 & 3) <= b:
                        self.span_y[a][b] |= <uint64_t>1 << i
                    if a <= (i & 3) <= b:
                        self.span_z[a][b] |= <uint64_t>1 << i
        self.on_grid = True
        for s in self.occupied()[0]:
            self.hold(s, True)
            for near in (s, *self.neighbours(s)[0]):
                self.mark(near)

    cdef inline int32_t site_at(self, int e, int x, int y, int z) noexcept nogil:
        """Site of an element at a grid point; -1 if there is none."""
        cdef int b = self.place[
            e, ((x & ((1 << self.sx) - 1)) << (self.sy + self.sz)) | ((y & ((1 << self.sy) - 1)) << self.sz)
            | (z & ((1 << self.sz) - 1))
        ]
        if b < 0:
            return -1
        return <int32_t>((((x >> self.sx) * self.ny + (y >> self.sy)) * self.nz + (z >> self.sz)) * self.basis + b)

    cdef inline int point_of(self, int32_t s, int *p) noexcept nogil:
        """Grid point of a site, on its element's grid; its place in the cell."""
        cdef uint32_t rest = <uint32_t>s
        cdef int b = <int>(rest % <uint32_t>self.basis)
        rest = rest // <uint32_t>self.basis
        p[2] = (<int>(rest % <uint32_t>self.nz) << self.sz) + self.point[b, 2]
        rest = rest // <uint32_t>self.nz
        p[1] = (<int>(rest % <uint32_t>self.ny) << self.sy) + self.point[b, 1]
        p[0] = (<int>(rest // <uint32_t>self.ny) << self.sx) + self.point[b, 0]
        return b

    cdef inline int block_of(self, int x, int y, int z) noexcept nogil:
        return ((x >> 2) * self.by + (y >> 2)) * self.bz + (z >> 2)

    cdef inline uint64_t bit_of(self, int x, int y, int z) noexcept nogil:
        return <uint64_t>1 << (((x & 3) << 4) | ((y & 3) << 2) | (z & 3))

    cdef inline bint blocked(self, int e, int x, int y, int z) noexcept nogil:
        """Whether the site of a grid point is taken."""
        return (self.held[e, self.block_of(x, y, z)] & self.bit_of(x, y, z)) != 0

    cdef inline bint is_place(self, int e, int x, int y, int z) noexcept nogil:
        """Whether an atom can attach at a grid point."""
        cdef int k = self.block_of(x, y, z)
        return (self.active[e, k] & ~self.held[e, k] & self.bit_of(x, y, z)) != 0

    cdef inline void hold(self, int32_t s, bint taken) noexcept nogil:
        """A site is taken, or empty."""
        cdef int[3] p
        cdef int e = self.kind[self.point_of(s, p)], k = self.block_of(p[0], p[1], p[2])
        if taken:
            self.held[e, k] |= self.bit_of(p[0], p[1], p[2])
        else:
            self.held[e, k] &= ~self.bit_of(p[0], p[1], p[2])

    cdef void mark(self, int32_t s) noexcept nogil:
        """A site becomes active."""
        cdef int[3] p
        cdef int e = self.kind[self.point_of(s, p)], k = self.block_of(p[0], p[1], p[2])
        if self.active[e, k] == 0:
            self.filled[e] += 1
            if self.distance[e, k] == 0:
                self.stale[e] -= 1
            else:
                self.distance[e, k] = 0
                self.visited[0] = k
                self.nearer(e, k)
                self.spread(e, 1, True)
        self.active[e, k] |= self.bit_of(p[0], p[1], p[2])

    cdef void nearer(self, int e, int k) noexcept nogil:
        """The distance of a block has become less."""

    cdef void unmark(self, int32_t s) noexcept nogil:
        """A site is active no longer. The distances stay, as lower bounds, until there is much to gain."""
        cdef int[3] p
        cdef int e = self.kind[self.point_of(s, p)], k = self.block_of(p[0], p[1], p[2])
        self.active[e, k] &= ~self.bit_of(p[0], p[1], p[2])
        if self.active[e, k] == 0:
            self.filled[e] -= 1
            self.stale[e] += 1
            if self.stale[e] > 64 + self.filled[e] // 4:
                self.measure(e)

    cdef void measure(self, int e) noexcept nogil:
        """Distances from the blocks that hold active sites."""
        cdef int64_t k, number = 0
        for k in range(self.active.shape[1]):
            self.distance[e, k] = FAR
            if self.active[e, k]:
                self.distance[e, k] = 0
                self.visited[number] = <int32_t>k
                number += 1
        self.stale[e] = 0
        self.spread(e, number, False)

    cdef void spread(self, int e, int64_t number, bint tell) noexcept nogil:
        """Let the first blocks of ``visited`` tell their distance to those around, and these to others."""
        cdef int64_t done = 0
        cdef int k, x, y, z, i, j, l, next, d
        while done < number:
            k = self.visited[done]
            done += 1
            d = self.distance[e, k] + 1
            if d >= FAR:
                continue
            x, y, z = k // (self.by * self.bz), k // self.bz % self.by, k % self.bz
            for i in range(-1, 2):
                for j in range(-1, 2):
                    for l in range(-1, 2):
                        next = (((x + i + self.bx) % self.bx) * self.by + (y + j + self.by) % self.by) * self.bz
                        next += (z + l + self.bz) % self.bz
                        if self.distance[e, next] > d:
                            self.distance[e, next] = <uint8_t>d
                            self.visited[number] = next
                            number += 1
                            if tell:
                                self.nearer(e, next)

    cdef void wake(self, int32_t s, int32_t *near) noexcept nogil:
        """Sites that a newly taken one makes active."""
        cdef int i
        self.hold(s, True)
        for i in range(self.near_number):
            if self.first(near[i]) == 1 and not self.taken(near[i]):
                self.mark(near[i])
        if self.first(s) == 0:
            self.mark(s)

    cdef void rest_around(self, int32_t s, int32_t *near) noexcept nogil:
        """Sites that are active no longer as one is empty now."""
        cdef int i
        self.hold(s, False)
        for i in range(self.near_number):
            if self.first(near[i]) == 0 and not self.taken(near[i]):
                self.unmark(near[i])
        if self.first(s) == 0:
            self.unmark(s)

    cdef inline int surely_free(self, int e, int x, int y, int z) noexcept nogil:
        """Half-size of a cube around a point that stays within blocks at a distance above zero; negative for none."""
        cdef int m = 4 * (self.distance[e, self.block_of(x, y, z)] - 1)
        m += min(min(x & 3, 3 - (x & 3)), min(min(y & 3, 3 - (y & 3)), min(z & 3, 3 - (z & 3))))
        # the last block along an edge may be cut
        if (self.gx & 3 and (x < m or x + m >= self.gx)) or (self.gy & 3 and (y < m or y + m >= self.gy)) or (
                self.gz & 3 and (z < m or z + m >= self.gz)):
            m -= 3
        return m

    cdef int room_at(self, int e, bint atom, int x, int y, int z) noexcept nogil:
        """Half-size of a cube around a point that holds no active site, for what is no atom no taken one; the largest up
        to 4, then a lower bound."""
        cdef uint64_t *mask = &self.active[e, 0] if atom else &self.held[e, 0]
        cdef int m = self.surely_free(e, x, y, z)
        if m >= 4:
            return m
        if not self.free(mask, x, y, z, 2):
            return 0
        if not self.free(mask, x, y, z, 3):
            return 2
        return 4 if self.free(mask, x, y, z, 4) else 3

    cdef inline int spans(self, int x, int m, int points, int *block, int *first, int *last) noexcept nogil:
        """Blocks that the points x - m to x + m of an edge lie in, and which part of each."""
        cdef int number = 0, at = x - m, left = 2 * m + 1, part
        at = at + points if at < 0 else at
        while left > 0:
            block[number] = at >> 2
            first[number] = at & 3
            part = min(min(4 - (at & 3), points - at), left)
            last[number] = (at & 3) + part - 1
            number += 1
            left -= part
            at = at + part if at + part < points else 0
        return number

    cdef inline bint free(self, uint64_t *mask, int x, int y, int z, int m) noexcept nogil:
        """Whether no point of a cube, its faces included, holds a site of the mask."""
        # the block of the centre first, where most of what is in the way is found
        if mask[self.block_of(x, y, z)] & self.span_x[max((x & 3) - m, 0)][min((x & 3) + m, 3)] & (
                self.span_y[max((y & 3) - m, 0)][min((y & 3) + m, 3)]) & (
                self.span_z[max((z & 3) - m, 0)][min((z & 3) + m, 3)]):
            return False
        return self.free_around(mask, x, y, z, m)

    cdef bint free_around(self, uint64_t *mask, int x, int y, int z, int m) noexcept nogil:
        cdef int[8] bx
        cdef int[8] by
        cdef int[8] bz
        cdef int[8] fx
        cdef int[8] fy
        cdef int[8] fz
        cdef int[8] lx
        cdef int[8] ly
        cdef int[8] lz
        cdef int i, j, k, nx, ny, nz
        cdef uint64_t mx, my
        nx = self.spans(x, m, self.gx, bx, fx, lx)
        ny = self.spans(y, m, self.gy, by, fy, ly)
        nz = self.spans(z, m, self.gz, bz, fz, lz)
        for i in range(nx):
            mx = self.span_x[fx[i]][lx[i]]
            for j in range(ny):
                my = mx & self.span_y[fy[j]][ly[j]]
                for k in range(nz):
                    if mask[(bx[i] * self.by + by[j]) * self.bz + bz[k]] & my & self.span_z[fz[k]][lz[k]]:
                        return False
        return True
