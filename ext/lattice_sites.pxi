# The sites of a periodic box: occupation, counts of neighbours, and lists of the sites of each group.

cdef packed struct Site:
    int32_t slot            # place in the list of its group
    uint16_t group          # NONE where nothing can happen
    uint8_t counts          # occupied nearest neighbours; in the upper half, in the second shell
    uint8_t flags           # OCCUPIED, SEED, SECOND_KIND; in the upper half, saturated neighbours (see Sites)

cdef enum:
    NONE = 0xFFFF
    OCCUPIED = 1
    SEED = 2
    SECOND_KIND = 4     # a site of element 1
    EVER = 0xF4         # flags that an atom does not bring with it
    SECOND = 16         # one neighbour in the second shell, in ``counts``
    SATURATED = 16      # one saturated neighbour, in ``flags``
    MOST = 18           # neighbours in a shell, or places to hop to, at most
    SPARE = 512         # places a list must have left before an event
    BLOCKS = 60         # of groups whose weights are summed together, at most


cdef class Sites:
    """Occupation of a lattice. A site belongs to a group by its element, its occupation and its neighbours, as
    ``lookup`` says; all sites of a group have the same rates.

    A site is saturated if it is occupied, of element 0, and has all its nearest neighbours.
    """

    cdef public object storage
    cdef Site[::1] site
    cdef int nx, ny, nz, basis, near_number, second_number, hop_number
    cdef int32_t[:, :, ::1] near, second, hop               # steps in cells, site there
    cdef int32_t[:, ::1] near_jump, second_jump, hop_jump   # the same as differences of site numbers
    cdef uint8_t[::1] kind
    cdef uint16_t[::1] lookup
    cdef int32_t[::1] member
    cdef int64_t[::1] start, room, number
    cdef public int64_t atoms
    cdef public int groups
    cdef int shift              # a block has 2^shift groups
    cdef bint follow_second, follow_saturated
    cdef bint full
    cdef uint64_t dirty

    def __init__(self, cells, kind, near, second, hop, lookup, int groups, bint follow_second, bint follow_saturated):
        self.nx, self.ny, self.nz = cells
        self.basis = len(kind)
        self.kind = np.ascontiguousarray(kind, dtype=np.uint8)
        tables = [np.ascontiguousarray(t, dtype=np.int32) for t in (near, second, hop)]
        self.near, self.second, self.hop = tables
        self.near_number, self.second_number, self.hop_number = (t.shape[1] for t in tables)
        if max(t.shape[1] for t in tables) > MOST or min(cells) < 3 or max(np.abs(t[:, :, :3]).max(initial=0) for t in tables) > 1:
            raise ValueError("neighbours must lie in adjacent cells, of a box of at least 3 cells along each edge")
        own = np.arange(self.basis)[:, None]
        self.near_jump, self.second_jump, self.hop_jump = (
            np.ascontiguousarray(
                ((t[:, :, 0] * self.ny + t[:, :, 1]) * self.nz + t[:, :, 2]) * self.basis + t[:, :, 3] - own, dtype=np.int32
            )
            for t in tables
        )
        if len(lookup) != 16384:
            raise ValueError("the lookup has 16384 entries")
        self.shift = 3
        while groups > BLOCKS << self.shift:
            self.shift += 1
        # by both bytes of a site at once: the flags above the counts
        word = np.arange(1 << 16)
        flags = word >> 8
        self.lookup = np.asarray(lookup, dtype=np.uint16)[
            (flags & SECOND_KIND) << 11 | (flags & OCCUPIED) << 12 | (flags & 0xF0) << 4 | (word & 0xFF)
        ]
        self.groups = groups
        self.follow_second, self.follow_saturated = follow_second, follow_saturated
        total = <int64_t>self.nx * self.ny * self.nz * self.basis
        if total > 2**31 - 1:
            raise ValueError("the box has more than 2^31 sites")
        self.storage = np.zeros(total, dtype=np.dtype([("slot", "i4"), ("group", "u2"), ("counts", "u1"), ("flags", "u1")]))
        self.storage["group"] = NONE
        self.storage["flags"] = np.tile(np.asarray(kind, dtype=np.uint8) * SECOND_KIND, total // self.basis)
        self.site = self.storage
        self.number = np.zeros(groups, dtype=np.int64)
        self.room = np.full(groups, 2 * SPARE, dtype=np.int64)
        self.start = np.arange(groups, dtype=np.int64) * 2 * SPARE
        self.member = np.zeros(groups * 2 * SPARE, dtype=np.int32)
        self.full = False
        self.dirty = <uint64_t>0xFFFFFFFFFFFFFFFF
        self.atoms = 0

    def make_room(self):
        """Give every list twice the places that it needs."""
        number = np.asarray(self.number)
        room = np.maximum(2 * number, number + 4 * SPARE)
        start = np.cumsum(room) - room
        member = np.zeros(int(room.sum()), dtype=np.int32)
        for g in range(self.groups):
            member[start[g] : start[g] + number[g]] = self.members(g)
        self.member, self.start, self.room = member, start, room
        self.full = False

    def members(self, int g):
        """Sites of a group, in the order of its list."""
        return np.asarray(self.member)[self.start[g] : self.start[g] + self.number[g]].copy()

    def numbers(self):
        """Sites in every group."""
        return np.asarray(self.number).copy()

    def occupied(self):
        """Sites that are occupied, and which of them belong to a particle that was there at the start."""
        flags = self.storage["flags"]
        where = np.flatnonzero(flags & OCCUPIED).astype(np.int32)
        return where, (flags[where] & SEED) != 0

    def fill(self, sites, seed):
        """Occupy empty sites, one after the other."""
        cdef int32_t[::1] s = np.ascontiguousarray(sites, dtype=np.int32)
        cdef uint8_t[::1] of_seed = np.ascontiguousarray(seed, dtype=np.uint8)
        cdef int64_t i
        for i in range(s.shape[0]):
            if not 0 <= s[i] < len(self.site) or self.site[s[i]].flags & OCCUPIED:
                raise ValueError(f"site {s[i]} is outside of the box, or occupied")
            self.occupy(s[i], of_seed[i])
            if self.full:
                self.make_room()

    def neighbours(self, int32_t s):
        """Nearest neighbours of a site."""
        cdef int32_t[MOST] out
        cdef int b = self.around(s, self.near, self.near_jump, self.near_number, out)
        return [out[i] for i in range(self.near_number)], b

    cdef inline int around(
        self, int32_t s, int32_t[:, :, ::1] table, int32_t[:, ::1] jump, int number, int32_t *out
    ) noexcept nogil:
        """Neighbours of a site; its place in the cell."""
        cdef uint32_t rest = <uint32_t>s
        cdef int b, x, y, z, i, u, v, w
        b = <int>(rest % <uint32_t>self.basis)
        rest = rest // <uint32_t>self.basis
        z = <int>(rest % <uint32_t>self.nz)
        rest = rest // <uint32_t>self.nz
        y = <int>(rest % <uint32_t>self.ny)
        x = <int>(rest // <uint32_t>self.ny)
        if 0 < x < self.nx - 1 and 0 < y < self.ny - 1 and 0 < z < self.nz - 1:
            for i in range(number):
                out[i] = s + jump[b, i]
        else:
            for i in range(number):
                u, v, w = x + table[b, i, 0], y + table[b, i, 1], z + table[b, i, 2]
                u = u + self.nx if u < 0 else (u - self.nx if u >= self.nx else u)
                v = v + self.ny if v < 0 else (v - self.ny if v >= self.ny else v)
                w = w + self.nz if w < 0 else (w - self.nz if w >= self.nz else w)
                out[i] = ((u * self.ny + v) * self.nz + w) * self.basis + table[b, i, 3]
        return b

    cdef inline int near_to(self, int32_t s, int32_t *out) noexcept nogil:
        return self.around(s, self.near, self.near_jump, self.near_number, out)

    cdef inline int first(self, int32_t s) noexcept nogil:
        """Occupied nearest neighbours."""
        return self.site[s].counts & 15

    cdef inline int beyond(self, int32_t s) noexcept nogil:
        """Occupied neighbours in the second shell, where they are followed."""
        return self.site[s].counts >> 4

    cdef inline bint taken(self, int32_t s) noexcept nogil:
        return self.site[s].flags & OCCUPIED

    cdef inline int group_of(self, int32_t s) noexcept nogil:
        return self.lookup[<int>self.site[s].flags << 8 | self.site[s].counts]

    cdef inline uint64_t regroup(self, int32_t s) noexcept nogil:
        """Put a site into the list of the group that it now belongs to; the blocks of groups that changed."""
        cdef int old = self.site[s].group, new = self.group_of(s)
        cdef int64_t last
        cdef int32_t moved, slot
        cdef uint64_t changed = 0
        if new == old:
            return 0
        if old != NONE:
            last = self.number[old] - 1
            self.number[old] = last
            slot = self.site[s].slot
            moved = self.member[self.start[old] + last]
            self.member[self.start[old] + slot] = moved
            self.site[moved].slot = slot
            changed = <uint64_t>1 << (<uint32_t>old >> self.shift)
        self.site[s].group = <uint16_t>new
        if new != NONE:
            last = self.number[new]
            self.member[self.start[new] + last] = s
            self.site[s].slot = <int32_t>last
            self.number[new] = last + 1
            changed |= <uint64_t>1 << (<uint32_t>new >> self.shift)
            if last + SPARE >= self.room[new]:
                self.full = True
        return changed

    cdef void occupy(self, int32_t s, bint seed) noexcept nogil:
        """Put an atom on an empty site."""
        cdef int32_t[MOST] near
        self.near_to(s, near)
        self.seat(s, near, seed)

    cdef void vacate(self, int32_t s) noexcept nogil:
        """Take the atom off an occupied site."""
        cdef int32_t[MOST] near
        self.near_to(s, near)
        self.unseat(s, near)

    cdef void seat(self, int32_t s, int32_t *near, bint seed) noexcept nogil:
        """``occupy``, with the nearest neighbours known."""
        cdef int32_t[MOST] far
        cdef int i
        self.atoms += 1
        self.site[s].flags |= OCCUPIED | (SEED if seed else 0)
        for i in range(self.near_number):
            self.site[near[i]].counts += 1
        if self.follow_second:
            self.around(s, self.second, self.second_jump, self.second_number, far)
            for i in range(self.second_number):
                self.site[far[i]].counts += SECOND
        if self.follow_saturated:
            if self.is_saturated(s):
                self.tell(s, SATURATED)
            for i in range(self.near_number):
                if self.is_saturated(near[i]):
                    self.tell(near[i], SATURATED)
        self.regroup_around(s, near, far)

    cdef void unseat(self, int32_t s, int32_t *near) noexcept nogil:
        """``vacate``, with the nearest neighbours known."""
        cdef int32_t[MOST] far
        cdef int i
        if self.follow_saturated:
            if self.is_saturated(s):
                self.tell(s, -SATURATED)
            for i in range(self.near_number):
                if self.is_saturated(near[i]):
                    self.tell(near[i], -SATURATED)
        self.atoms -= 1
        self.site[s].flags &= EVER
        for i in range(self.near_number):
            self.site[near[i]].counts -= 1
        if self.follow_second:
            self.around(s, self.second, self.second_jump, self.second_number, far)
            for i in range(self.second_number):
                self.site[far[i]].counts -= SECOND
        self.regroup_around(s, near, far)

    cdef inline void regroup_around(self, int32_t s, int32_t *near, int32_t *far) noexcept nogil:
        """Put a site that has changed, and those around it, into their groups."""
        cdef int32_t[MOST] out
        cdef int i, j
        cdef uint64_t changed = self.regroup(s)
        for i in range(self.near_number):
            changed |= self.regroup(near[i])
        if self.follow_second:
            for i in range(self.second_number):
                if self.taken(far[i]):
                    changed |= self.regroup(far[i])
        if self.follow_saturated:
            for i in range(self.near_number):
                self.near_to(near[i], out)
                for j in range(self.near_number):
                    if self.taken(out[j]):
                        changed |= self.regroup(out[j])
        self.dirty |= changed

    cdef inline bint is_saturated(self, int32_t s) noexcept nogil:
        return self.site[s].flags & (OCCUPIED | SECOND_KIND) == OCCUPIED and self.first(s) == self.near_number

    cdef void tell(self, int32_t s, int change) noexcept nogil:
        """Let the neighbours of a site know that it became saturated, or ceased to be."""
        cdef int32_t[MOST] near
        cdef int i
        self.near_to(s, near)
        for i in range(self.near_number):
            self.site[near[i]].flags = <uint8_t>(self.site[near[i]].flags + change)

    cdef inline bint seed_around(self, int32_t s) noexcept nogil:
        """Whether a nearest neighbour belongs to a particle that was there at the start."""
        cdef int32_t[MOST] near
        self.near_to(s, near)
        return self.seed_among(near)

    cdef inline bint seed_among(self, int32_t *near) noexcept nogil:
        """Whether one of these neighbours belongs to a particle that was there at the start."""
        cdef int i
        cdef uint8_t any = 0
        for i in range(self.near_number):
            any |= self.site[near[i]].flags
        return any & SEED

    def verify(self):
        """Whether counts, groups and lists are what the occupation says; a sentence if not, else ""."""
        cdef int32_t[MOST] out
        cdef int64_t s, i
        cdef int first, second, saturated
        for s in range(len(self.site)):
            self.near_to(<int32_t>s, out)
            first = second = saturated = 0
            for i in range(self.near_number):
                first += self.taken(out[i])
                saturated += self.is_saturated(out[i])
            if self.follow_second:
                self.around(<int32_t>s, self.second, self.second_jump, self.second_number, out)
                for i in range(self.second_number):
                    second += self.taken(out[i])
            if self.site[s].counts != first + SECOND * second:
                return f"site {s} has counts {self.site[s].counts}, not {first} and {second}"
            if self.follow_saturated and self.site[s].flags >> 4 != saturated:
                return f"site {s} has {self.site[s].flags >> 4} saturated neighbours, not {saturated}"
            g = self.group_of(<int32_t>s)
            if g != self.site[s].group:
                return f"site {s} is in group {self.site[s].group}, not {g}"
            if g != NONE and self.member[self.start[g] + self.site[s].slot] != s:
                return f"site {s} is not in its place of the list of group {g}"
        listed = int((self.storage["group"] != NONE).sum())
        return "" if listed == int(np.sum(self.number)) else f"{int(np.sum(self.number))} sites are listed, not {listed}"
