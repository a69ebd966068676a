# The solution around the crystals: dissolved atoms and molecules in numbers, reactions, syringes.

cdef class Solution(Sites):
    """A lattice beside a stirred solution.

    ``amount`` counts what is dissolved: atoms of each element first, then the other species. With ``endless`` the
    solution does not notice what the crystals take, and only its rates matter.
    """

    cdef public int elements
    cdef public bint endless
    cdef int64_t[::1] amount
    cdef int64_t[:, ::1] expand             # species, as syringes hold them -> change of ``amount``
    # reactions: rows of (reactant, order, molecules consumed), padded with -1
    cdef int64_t[:, ::1] reactant, consumed
    cdef double[:, ::1] order
    cdef int64_t[:, ::1] change
    cdef double[::1] power                  # of the volume in the propensity
    cdef double[::1] reaction0, reaction1   # rate constants at both ends of the window
    cdef double[::1] propensity             # majorants, without the counts
    cdef double[::1] weight_of
    cdef public object done                 # times that each reaction happened
    cdef int64_t[::1] done_view
    # syringes
    cdef int64_t[:, ::1] content
    cdef double[::1] push, left, entry
    cdef double start_time, end_time, volume0, volume1

    def set_solution(self, int elements, bint endless, amount, expand, reactions, content):
        """What there is at the start; ``reactions`` holds reactant, order, consumed, change and power."""
        self.elements, self.endless = elements, endless
        self.amount = np.array(amount, dtype=np.int64)
        self.expand = np.ascontiguousarray(expand, dtype=np.int64)
        self.reactant, self.consumed = (np.ascontiguousarray(reactions[k], dtype=np.int64) for k in ("reactant", "consumed"))
        self.order = np.ascontiguousarray(reactions["order"], dtype=float)
        self.change = np.ascontiguousarray(reactions["change"], dtype=np.int64)
        self.power = np.ascontiguousarray(reactions["power"], dtype=float)
        number = len(self.power)
        self.reaction0, self.reaction1, self.propensity, self.weight_of = (np.zeros(number) for _ in range(4))
        self.done = np.zeros(number, dtype=np.int64)
        self.done_view = self.done
        self.content = np.array(content, dtype=np.int64)
        self.push, self.left = np.zeros(len(self.content)), np.zeros(len(self.content))
        self.entry = np.full(len(self.content), INFINITY)

    def amounts(self):
        """What is dissolved (elements, then the other species)."""
        return np.asarray(self.amount).copy()

    def contents(self):
        """Molecules left in every syringe (syringes, species)."""
        return np.asarray(self.content).copy()

    def dissolve(self, change):
        """Add to what is dissolved."""
        for i, n in enumerate(change):
            self.amount[i] += int(n)
        self.dirty = <uint64_t>0xFFFFFFFFFFFFFFFF

    def empty_syringe(self, int i):
        """All that a syringe holds goes into the solution; molecules."""
        held = np.asarray(self.content)[i].copy()
        self.dissolve(held @ np.asarray(self.expand))
        np.asarray(self.content)[i] = 0
        return int(held.sum())

    cdef inline double volume_at(self, double t) noexcept nogil:
        return self.volume0 + (self.volume1 - self.volume0) * (t - self.start_time) / (self.end_time - self.start_time)

    cdef double powers(self, int r) noexcept nogil:
        """Product of the powers of the counts in the rate law of a reaction."""
        cdef double value = 1.0, n
        cdef int i, j
        for i in range(self.reactant.shape[1]):
            if self.reactant[r, i] < 0:
                break
            n = <double>self.amount[self.reactant[r, i]]
            if n < self.consumed[r, i]:
                return 0.0
            if self.order[r, i] == floor(self.order[r, i]) and self.order[r, i] <= self.consumed[r, i]:
                for j in range(<int>self.order[r, i]):
                    value *= n - j
            else:
                value *= pow(n, self.order[r, i])
        return value

    cdef double weigh_reactions(self) noexcept nogil:
        """Majorants of all reactions; their sum."""
        cdef double total = 0.0
        cdef int r
        for r in range(self.power.shape[0]):
            self.weight_of[r] = self.propensity[r] * self.powers(r)
            total += self.weight_of[r]
        return total

    cdef inline double share(self, int r, double t) noexcept nogil:
        """What the rate of a reaction now is of its majorant."""
        cdef double k = self.reaction0[r]
        k += (self.reaction1[r] - k) * (t - self.start_time) / (self.end_time - self.start_time)
        return k * pow(self.volume_at(t), self.power[r]) / self.propensity[r]

    cdef void react(self, int r) noexcept nogil:
        cdef int a
        for a in range(self.amount.shape[0]):
            self.amount[a] += self.change[r, a]
        self.done_view[r] += 1
        self.dirty = <uint64_t>0xFFFFFFFFFFFFFFFF

    cdef int64_t molecules(self, int i) noexcept nogil:
        cdef int64_t n = 0
        cdef int s
        for s in range(self.content.shape[1]):
            n += self.content[i, s]
        return n

    cdef int leave_syringe(self, int i, uint64_t word) noexcept nogil:
        """A molecule, any with the same chance, leaves a syringe; its species."""
        cdef uint64_t high
        cdef int64_t n = self.molecules(i)
        cdef int s
        multiply_wide(word, <uint64_t>n, &high)
        n = <int64_t>high
        for s in range(self.content.shape[1]):
            if n < self.content[i, s]:
                break
            n -= self.content[i, s]
        self.content[i, s] -= 1
        return s

    cdef void enter(self, int i, uint64_t word) noexcept nogil:
        cdef int a, s = self.leave_syringe(i, word)
        for a in range(self.amount.shape[0]):
            self.amount[a] += self.expand[s, a]
        self.dirty = <uint64_t>0xFFFFFFFFFFFFFFFF
