# The Jacobian at the start of a step: species among themselves, rows and columns that link them to the chains, jumps.


cdef class Jacobian(Field):
    cdef public int64_t links, rows         # linked species: monomer, stickers (these have rows), then the nucleus
    cdef int32_t[::1] link_species, sticker_link
    cdef double[:, ::1] species_slope       # (species, species)
    cdef double[:, ::1] row                 # (rows, pivots): d(d species/dt)/d(particles), the same for both origins
    cdef double[:, :, ::1] column           # (links, origins, pivots)
    cdef double[::1] jump_up, jump_down     # jumps to the neighbours
    cdef double[:, ::1] leap                # (pivots, band): jumps of whole clusters to the pivots above
    cdef public int64_t band
    cdef double[:, ::1] reaction_slope      # (reactions, REACTANTS)
    cdef double birth_slope, pair_slope0, pair_slope1
    cdef double[::1] start_small, drift_small
    cdef double[:, ::1] start_number, drift_number

    cdef void linearise(self, double tick) noexcept nogil:
        """Right-hand side, its slope in time, and the Jacobian at the live state."""
        cdef int64_t s, r, i, j, o, size = self.size
        cdef bint moving = self.heating != 0.0 or self.flow != 0.0
        cdef double rate, units, more, more_units, c, dc
        self.derivative(self.now, &self.small[0], &self.number[0, 0], &self.number[1, 0], &self.start_small[0],
                        &self.start_number[0, 0], &self.start_number[1, 0])
        if moving:
            self.derivative(self.now + tick, &self.small[0], &self.number[0, 0], &self.number[1, 0],
                            &self.drift_small[0], &self.drift_number[0, 0], &self.drift_number[1, 0])
            for s in range(size):
                self.drift_small[s] = (self.drift_small[s] - self.start_small[s]) / tick
            for o in range(1 + self.births_on):
                for i in range(self.low, self.high):
                    self.drift_number[o, i] = (self.drift_number[o, i] - self.start_number[o, i]) / tick
        self.set_conditions(self.now)
        c = self.small[0] / self.volume
        for s in range(self.species):
            for i in range(self.species):
                self.species_slope[s, i] = 0.0
        for r in range(self.reactions):
            for j in range(self.reactants[r]):
                rate = self.reaction_rate(r, &self.small[0], j)
                self.reaction_slope[r, j] = rate
                for i in range(self.change_start[r], self.change_start[r + 1]):
                    self.species_slope[self.change_species[i], self.reactant[r, j]] += rate * self.change_amount[i]
        self.set_jumps(c)
        self.copy_jumps()
        self.link_stickers()
        self.link_monomer()
        self.birth_slope = 0.0
        if not self.births_on:
            return
        rate = self.births(c, self.small[self.nucleus_species], &units)
        units = self.within(units)
        if self.nucleation == FROM_CLUSTER:
            j = self.links - 1
            for s in range(self.links):
                if self.link_species[s] == self.nucleus_species:
                    j = s
            self.birth_slope = self.rates[self.reactions + 1]
            self.species_slope[self.nucleus_species, self.nucleus_species] -= self.birth_slope
            if j >= self.rows:
                self.clear(&self.column[j, 0, 0])
                self.clear(&self.column[j, 1, 0])
            self.give_birth(self.birth_slope, units, &self.column[j, 1, 0])
            return
        # differences, so that a newborn that grows from pivot to pivot is taken in
        dc = fmax(1e-7 * fabs(c), 1e-9 * self.rates[self.reactions + 2])
        if not dc > 0.0:
            return
        more = self.births(c + dc, 0.0, &more_units)
        more_units = self.within(more_units)
        dc *= self.volume
        self.birth_slope = (more - rate) / dc
        self.species_slope[0, 0] -= (more * more_units - rate * units) / dc
        self.give_birth(more / dc, more_units, &self.column[0, 1, 0])
        self.give_birth(-rate / dc, units, &self.column[0, 1, 0])

    cdef void clear(self, double *x) noexcept nogil:
        memset(x + self.low, 0, (self.high - self.low) * sizeof(double))

    cdef void copy_jumps(self) noexcept nogil:
        """Jumps by single units, and what they do to the monomers."""
        cdef int64_t i
        for i in range(self.low, self.high):
            self.jump_up[i] = self.up[i]
            self.jump_down[i] = self.down[i]
        self.row[0, self.low] = -self.gap[self.low] * self.up[self.low]
        if self.low == 0:
            self.row[0, 0] += 2.0 * self.down[0]
        for i in range(self.low + 1, self.high):
            self.row[0, i] = self.gap[i - 1] * self.down[i] - self.gap[i] * self.up[i]

    cdef void link_monomer(self) noexcept nogil:
        """How the jumps change with the monomers."""
        cdef int64_t i
        for i in range(self.low, self.high):
            self.up[i] = self.attach[i] * self.up_attach[i] / self.volume
            self.down[i] = self.attach[i] * self.down_attach[i] / self.volume
        self.up[self.high - 1] = 0.0
        if self.low > 0:
            self.down[self.low] = 0.0
        self.species_slope[0, 0] += self.transport(&self.number[0, 0], &self.column[0, 0, 0])
        self.pair_slope0 = self.down[0] * self.number[0, 0] if self.low == 0 else 0.0
        self.pair_slope1 = 0.0
        if self.births_on:
            self.species_slope[0, 0] += self.transport(&self.number[1, 0], &self.column[0, 1, 0])
            self.pair_slope1 = self.down[0] * self.number[1, 0] if self.low == 0 else 0.0

    cdef void link_stickers(self) noexcept nogil:
        """Whole clusters: their rows and columns, and the jumps below the diagonal (``leap``)."""
        cdef int64_t s, i, j, k, link, o
        cdef double rate
        for link in range(1, self.rows):
            self.clear(&self.row[link, 0])
            self.clear(&self.column[link, 0, 0])
            self.clear(&self.column[link, 1, 0])
        if self.stickers:
            memset(&self.leap[self.low, 0], 0, (self.high - self.low) * self.band * sizeof(double))
        for s in range(self.stickers):
            link = self.sticker_link[s]
            for i in range(self.low, self.high):
                j = self.land[s, i]
                if j < 0 or j + 2 >= self.high:
                    break
                if j < self.low:
                    continue
                rate = self.stick[s, i] * self.small[self.sticker_species[s]] / self.volume
                self.row[link, i] -= rate
                for k in range(3):
                    if j + k > i:
                        self.leap[i, j + k - i - 1] += rate * self.land_weight[s, i, k]
                    elif j + k < i:
                        self.jump_down[i] += rate * self.land_weight[s, i, k]
            for o in range(1 + self.births_on):
                self.species_slope[self.sticker_species[s], self.sticker_species[s]] -= self.cluster_gain(
                    s, 1.0 / self.volume, &self.number[o, 0], &self.column[link, o, 0]
                )
