# What the balance holds: the model as arrays, the state, and the window of pivots that are in use.

cdef enum:
    STAGES = 6
    ORIGINS = 2
    REACTANTS = 4

cdef enum:
    NO_NUCLEATION = 0
    MEAN_FIELD = 1          # classical or power law
    FROM_CLUSTER = 2
    EXPLICIT = 3

cdef enum:                  # sums over time that the state carries, before those of the reactions
    BORN = 0
    DISSOLVED = 1           # and 2, by origin
    FIXED_SUMS = 3


cdef class State:
    """Amounts and sums (``small``: species, then sums), and particles per origin and pivot (``number``)."""

    cdef public int64_t species, reactions, stickers, sums, size, pivots
    cdef int32_t[:, ::1] reactant
    cdef int64_t[:, ::1] consumed
    cdef double[:, ::1] power
    cdef int32_t[::1] reactants
    cdef int32_t[::1] change_start, change_species
    cdef int64_t[::1] change_amount
    cdef int32_t[::1] sticker_species
    cdef int64_t[::1] sticker_units
    cdef public int64_t nucleation, nucleus_species, nucleus_units
    cdef public bint power_law, capped, tiny
    cdef public double exponent, unit_volume, expansion

    # the grid
    cdef int64_t[::1] pivot
    cdef double[::1] gap, up_attach, up_detach, down_attach, down_detach
    cdef int32_t[:, ::1] land
    cdef double[:, :, ::1] land_weight

    # rates at the temperature nodes, as logarithms where there are several: sizes, (attach of one unit), others
    cdef public int64_t nodes
    cdef public double first_inverse, inverse_step
    cdef double[:, ::1] node_attach, node_detach
    cdef double[:, :, ::1] node_stick
    cdef double[:, ::1] node_rates      # reactions, attach of one unit, cluster, solubility, A, gamma, encounter, pairs

    # the epoch
    cdef public double epoch_start, epoch_end, temperature0, heating, cold_volume, flow, fed_molecules
    cdef double[::1] feed

    # conditions at the time ``at``
    cdef public double at, volume, temperature
    cdef double[::1] attach, detach, rates
    cdef double[:, ::1] stick
    cdef bint tables_done

    # the state, that at the step's start, and the window [low, high) of pivots outside which no particle is
    cdef public double now, before, step, last_error, last_step, rtol, events, events_rate
    cdef public int64_t low, high, step_low, step_high, margin, steps, rejected
    cdef public bint births_on, after_failure, fresh
    cdef public double reference, patience, edge
    cdef double[::1] small, small_before
    cdef double[:, ::1] number, number_before

    def __init__(self, dict chemistry, *, double unit_volume, double expansion, double rtol, double reference,
                 double patience, double edge):
        self.reactant, self.consumed, self.power = chemistry["reactant"], chemistry["consumed"], chemistry["power"]
        self.reactants = chemistry["reactants"]
        self.change_start, self.change_species = chemistry["change_start"], chemistry["change_species"]
        self.change_amount = chemistry["change_amount"]
        self.sticker_species, self.sticker_units = chemistry["sticker_species"], chemistry["sticker_units"]
        self.species, self.reactions = chemistry["species"], chemistry["reactions"]
        self.stickers, self.nucleation = chemistry["stickers"], chemistry["nucleation"]
        self.nucleus_species, self.nucleus_units = chemistry["nucleus_species"], chemistry["nucleus_units"]
        self.power_law, self.exponent = chemistry["power_law"], chemistry["exponent"]
        self.unit_volume, self.expansion, self.rtol = unit_volume, expansion, rtol
        self.reference, self.patience, self.edge = reference, patience, edge
        self.sums = FIXED_SUMS + self.reactions
        self.size = self.species + self.sums
        self.small, self.small_before = np.zeros(self.size), np.zeros(self.size)
        for s in range(self.species):
            self.small[s] = chemistry["count"][s]
        self.rates = np.zeros(self.reactions + 7)
        self.feed = np.zeros(self.species)
        self.at, self.fresh = NAN, True
        self.low = self.high = 0

    def set_grid(self, grid, list landings):
        """Take the pivots of a grid that begins with the present ones; the particles stay."""
        cdef int64_t old = self.pivots
        keep = np.zeros((2, ORIGINS, len(grid.pivot)))
        if old:
            keep[0, :, :old], keep[1, :, :old] = self.number, self.number_before
        self.pivots = len(grid.pivot)
        self.pivot = grid.pivot
        self.gap, self.up_attach, self.up_detach = grid.gap, grid.up_attach, grid.up_detach
        self.down_attach, self.down_detach = grid.down_attach, grid.down_detach
        self.number, self.number_before = keep[0].copy(), keep[1].copy()
        self.land = np.ascontiguousarray([first for first, _ in landings], dtype=np.int32).reshape(-1, self.pivots)
        self.land_weight = np.ascontiguousarray([weight for _, weight in landings]).reshape(-1, self.pivots, 3)
        self.attach, self.detach = np.zeros(self.pivots), np.zeros(self.pivots)
        self.stick = np.zeros((self.stickers, self.pivots))
        self.at = NAN

    def empty(self):
        """Forget all particles and pivots."""
        self.pivots = 0

    def set_tables(self, double first_inverse, double inverse_step, attach, detach, stick, rates):
        """Rates at temperature nodes evenly spaced in 1/T, in logarithms unless there is only one node."""
        self.first_inverse, self.inverse_step = first_inverse, inverse_step
        self.node_attach, self.node_detach, self.node_stick, self.node_rates = attach, detach, stick, rates
        self.nodes = attach.shape[0]
        self.at, self.tables_done = NAN, False

    def set_epoch(self, double start, double end, double temperature, double heating, double cold_volume, double flow,
                  feed):
        """Flows, and the temperature linear in time, from ``start`` to ``end``."""
        cdef int64_t s
        self.epoch_start, self.epoch_end, self.temperature0, self.heating = start, end, temperature, heating
        self.cold_volume, self.flow = cold_volume, flow
        self.fed_molecules = 0.0
        for s in range(self.species):
            self.feed[s] = feed[s]
            self.fed_molecules += feed[s]
        self.at, self.tables_done, self.fresh = NAN, False, True

    def arrays(self):
        """The live arrays themselves: amounts and sums, particles."""
        return {"small": np.asarray(self.small), "number": np.asarray(self.number)}

    # -- the window -------------------------------------------------------------------------------

    cdef int64_t cell_of(self, double units) noexcept nogil:
        """Last pivot that is not above ``units``."""
        cdef int64_t a = 0, b = self.pivots - 1, mid
        if units < self.pivot[b]:
            while b - a > 1:
                mid = (a + b) // 2
                if self.pivot[mid] <= units:
                    a = mid
                else:
                    b = mid
            return a
        return b

    cdef int64_t reach(self) noexcept nogil:
        """Pivots below the window's top from which a cluster that sticks would leave it."""
        cdef int64_t s, i, longest = 1
        for s in range(self.stickers):
            i = self.high - 1
            while i > self.low and (self.land[s, i] < 0 or self.land[s, i] + 2 >= self.high):
                i -= 1
            longest = max(longest, self.high - 1 - i)
        return longest

    cdef double weight_at(self, int64_t i) noexcept nogil:
        return fabs(self.number[0, i]) + fabs(self.number[1, i])

    cdef double outermost(self, bint top) noexcept nogil:
        """Particles at an end of the window, as far as the end is felt."""
        cdef int64_t i, reach
        cdef double worst = 0.0
        if not top:
            return self.weight_at(self.low) if self.low > 0 else 0.0
        reach = self.reach()
        for i in range(self.high - 1, max(self.high - 1 - reach, self.low - 1), -1):
            worst = fmax(worst, self.weight_at(i))
        return worst

    cdef void fold(self, int64_t i, int64_t onto, int64_t beyond) noexcept nogil:
        """Take the particles of pivot i to two others so that number and mass are kept."""
        cdef int64_t o
        cdef double share = <double>(self.pivot[i] - self.pivot[onto]) / (self.pivot[beyond] - self.pivot[onto])
        for o in range(ORIGINS):
            self.number[o, onto] += (1.0 - share) * self.number[o, i]
            self.number[o, beyond] += share * self.number[o, i]
            self.number[o, i] = 0.0
            self.number_before[o, i] = 0.0

    cdef bint fit_window(self) noexcept nogil:
        """Widen the window where particles come near its ends, narrow it where there are none; False without room."""
        cdef double near = 1e-2 * self.edge, empty = 1e-4 * self.edge
        cdef int64_t width = self.high - self.low, i, keep_low = self.pivots, keep_high = 0, o
        self.margin = 8 + width // 8 + self.reach()
        while self.low > 0 and self.outermost(False) > near:
            self.low = max(self.low - self.margin, 0)
        while self.outermost(True) > near:
            self.high += self.margin
            if self.high > self.pivots:
                self.high -= self.margin
                return False
        if self.births_on and self.birth_units > 0.0:
            keep_low = max(self.cell_of(self.birth_units) - 8, 0)
            keep_high = self.cell_of(self.birth_units) + 8
            self.low = min(self.low, keep_low)
            if keep_high > self.high:
                if keep_high + self.margin > self.pivots:
                    return False
                self.high = keep_high
        i = self.low
        while i < self.high - 4 * self.margin and i < keep_low and self.weight_at(i) < empty:
            i += 1
        if i - self.low > 2 * self.margin:
            for o in range(self.low, i - self.margin):
                self.fold(o, i - self.margin, i - self.margin + 1)
            self.low = i - self.margin
        i = self.high - 1
        while i > self.low + 4 * self.margin and i > keep_high and self.weight_at(i) < empty:
            i -= 1
        if self.high - 1 - i > 2 * self.margin:
            for o in range(self.high - 1, i + self.margin, -1):
                self.fold(o, i + self.margin, i + self.margin - 1)
            self.high = i + self.margin + 1
        # an odd number of pivots: the elimination runs from both ends to the middle
        if (self.high - self.low) % 2 == 0:
            if self.high == self.pivots:
                if self.low > 0:
                    self.low -= 1
                else:
                    return False
            else:
                self.high += 1
        if self.low != self.step_low or self.high != self.step_high:
            self.at, self.tables_done = NAN, False
        return True

    cdef double birth_units
