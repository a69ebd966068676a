# The solution around the crystals: dissolved atoms and molecules in numbers, reactions, syringes; rates over time.

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


cdef class Course(Solution):
    """Rates that change with time: straight lines from one end of a window to the other, and products of them."""

    cdef double[::1] rate0, rate1, rate     # of each group, at both ends of the window, and the majorant
    cdef double[::1] hop0, hop1             # the part of the atoms' rates that is hops
    cdef double[::1] dense0, dense1         # concentration of each element in an endless solution
    cdef double[:, ::1] second0, second1    # see ``set_rates``
    cdef double pair0, pair1, pair
    cdef int64_t bonds                      # pairs of neighbouring sites where a pair of atoms can form
    cdef bint steady, hopping, pairing
    cdef public double now

    def __init__(self, *sites):
        super().__init__(*sites)
        self.rate0, self.rate1, self.rate, self.hop0, self.hop1 = (np.zeros(self.groups) for _ in range(5))
        self.now = 0.0
        self.bonds = len(self.site) * self.near_number // 2
        self.start_time, self.end_time, self.volume0, self.volume1 = 0.0, 1.0, 1.0, 1.0

    def set_rates(self, double start, double end, volume, rates, hops, pair, reactions, *, concentration=None, second=None):
        """Rates from ``start`` to ``end`` [s], each given at both ends and linear in between.

        ``volume`` [m^3]; ``rates``, ``hops`` (groups,) [1/s], for attachment per concentration [m^3/s]; ``pair`` per
        bond and product of concentrations [m^6/s], beside a pool over the volume of the box [m^3/s]; ``reactions``;
        ``concentration`` (elements,) of an endless solution, in any unit: 1 if the rates hold it already; ``second``
        (2, 16) factors on the rates of pairs, by an atom's neighbours in the second shell: one for an atom that comes,
        or leaves its pair, and one for an atom that then goes too; 1 if those neighbours have no energy.
        """
        cdef int e
        if concentration is None:
            concentration = (np.ones(self.elements),) * 2
        if second is None:
            second = (np.ones((2, 16)),) * 2
        self.start_time, self.end_time, self.now = start, end, start
        self.volume0, self.volume1 = volume
        self.rate0, self.rate1 = (np.array(r, dtype=float) for r in rates)
        self.rate = np.maximum(self.rate0, self.rate1)
        self.hop0, self.hop1 = (np.array(r, dtype=float) for r in hops)
        self.hopping = bool(np.any(self.hop0) or np.any(self.hop1))
        self.pair0, self.pair1 = pair
        self.reaction0, self.reaction1 = (np.array(r, dtype=float) for r in reactions)
        self.dense0, self.dense1 = (np.array(c, dtype=float) for c in concentration)
        self.second0, self.second1 = (np.array(s, dtype=float) for s in second)
        # lines that are nowhere negative: the product of their maxima bounds their product
        most = np.maximum(*concentration) if self.endless else np.full(self.elements, 1.0 / min(volume))
        for e in range(self.elements):
            self.rate[e] *= most[e]
        self.pair = max(pair) * most[0] * (most[self.elements - 1] if self.endless else 1.0)
        self.pairing = self.pair > 0.0
        power = np.asarray(self.power)
        self.propensity = np.maximum(self.reaction0, self.reaction1) * np.maximum(volume[0] ** power, volume[1] ** power)
        self.steady = volume[0] == volume[1] and all(
            np.array_equal(a, b) for a, b in (rates, hops, pair, reactions, concentration, second)
        )

    cdef inline double at_now(self, double a, double b) noexcept nogil:
        """A value between those at both ends of the window."""
        return a + (b - a) * (self.now - self.start_time) / (self.end_time - self.start_time)

    cdef inline double dense(self, int e) noexcept nogil:
        """Concentration of an element; beside a pool that of a single atom."""
        return self.at_now(self.dense0[e], self.dense1[e]) if self.endless else 1.0 / self.volume_at(self.now)

    cdef inline double of_second(self, int which, int number) noexcept nogil:
        return self.at_now(self.second0[which, number], self.second1[which, number])

    cdef inline double weight(self, int g) noexcept nogil:
        cdef double w = self.number[g] * self.rate[g]
        if g < self.elements and not self.endless:
            w *= self.amount[g]
        return w

    cdef inline double pairs_dissolved(self) noexcept nogil:
        cdef double n = <double>self.amount[0]
        return n * self.amount[1] if self.elements > 1 else n * (n - 1.0)
