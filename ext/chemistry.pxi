# Dissolved species: mass-action reactions, clusters that stick, syringes, and the birth of particles.

cdef enum:
    REACTANTS = 4

cdef enum:
    NO_NUCLEATION = 0
    MEAN_FIELD = 1          # classical or power law, read from the mean-field concentration
    FROM_CLUSTER = 2
    EXPLICIT = 3


cdef class Chemistry(Banding):
    """Events other than attachment and detachment, drawn one by one with explicit times.

    Channels are reactions, then sticking, then nucleation; each has a majorant that holds for the open window
    and the present ceilings, and is thinned where its rate varies.
    """

    cdef public int64_t species, reactions, stickers, syringes
    cdef int32_t[:, ::1] reactant
    cdef int64_t[:, ::1] consumed
    cdef double[:, ::1] power
    cdef uint8_t[:, ::1] falling
    cdef int32_t[::1] reactants
    cdef double[::1] total_order
    cdef int32_t[::1] change_start, change_species
    cdef int64_t[::1] change_amount
    cdef double[::1] constant0, constant1, constant_top, constant_slope     # the slope is that of the logarithm
    cdef int32_t[::1] simple        # the species of a first-order reaction, else -1
    cdef uint8_t[::1] thinned
    cdef int32_t[::1] sticker_species
    cdef int64_t[::1] sticker_units
    cdef double[:, ::1] stick0, stick1
    cdef double[::1] stick_high
    cdef double[::1] majorant
    cdef int64_t[::1] tally
    cdef public double total_majorant, next_reaction
    cdef public int64_t listed      # particles when the majorants were set

    # syringes: flow now, volume left at the start of the epoch, molecules left, next to leave
    cdef double[::1] push, left, next_drop
    cdef int64_t[:, ::1] content
    cdef int64_t[::1] molecules

    # coalescence
    cdef public bint coalescing, brownian
    cdef public int64_t coalescence_limit
    cdef public double coalescence0, coalescence1
    cdef public double paired               # time to which coalescence is done, where it runs ahead of the rest

    # nucleation
    cdef public int64_t nucleation, nucleus_species, nucleus_units, born, born_in_window, window_events
    cdef public bint in_window
    cdef public double nucleus0, nucleus1
    cdef public bint power_law, capped, tiny, at_cap, few_units
    cdef public double exponent, unit_volume
    cdef double[::1] law0, law1     # ln A, gamma, c_infinity, encounter at the ends of the epoch
    cdef public double window_start, window_end, mean0, mean1, nucleation_top
    cdef public bint room_short

    cdef inline double constant_at(self, int64_t r, double theta) noexcept nogil:
        if self.constant_slope[r] == 0.0:
            return self.constant0[r]
        return self.constant0[r] * exp(theta * self.constant_slope[r])

    cdef double propensity(self, int64_t r, double k, double volume, int64_t monomers) noexcept nogil:
        """Rate of reaction r with rate constant k, in events per second."""
        cdef int64_t i, j, held
        cdef double rate = k
        if self.simple[r] >= 0:
            return k * self.count[self.simple[r]]
        if self.reactants[r] == 1 and self.power[r, 0] == 1.0 and self.consumed[r, 0] == 1:
            held = monomers if self.reactant[r, 0] == 0 else self.count[self.reactant[r, 0]]
            return k * held if held > 0 else 0.0
        for i in range(self.reactants[r]):
            held = monomers if self.reactant[r, i] == 0 else self.count[self.reactant[r, i]]
            if held < self.consumed[r, i] or held < 0:
                return 0.0
            if self.falling[r, i]:
                for j in range(<int64_t>self.power[r, i]):
                    rate *= held - j
            elif self.power[r, i] != 0.0:
                if held == 0:
                    return 0.0
                rate *= pow(<double>held, self.power[r, i])
        return rate * pow(volume, 1.0 - self.total_order[r])

    cdef double stick_top(self, int64_t s) noexcept nogil:
        """Largest sticking constant over sizes and epoch."""
        return self.stick_high[s]

    cdef void set_majorants(self) noexcept nogil:
        """Majorants of all channels for the present counts, and the time of the next candidate."""
        cdef int64_t r, s, j = self.reactions, n
        cdef double volume
        self.total_majorant = 0.0
        self.listed = self.number
        for r in range(self.reactions):
            if self.simple[r] >= 0:
                n = self.count[self.simple[r]]
                self.majorant[r] = n * self.constant_top[r]
                self.total_majorant += self.majorant[r]
                continue
            volume = self.volume_roof if self.total_order[r] < 1.0 else self.volume_floor
            self.majorant[r] = self.propensity(
                r, self.constant_top[r], volume, self.ceiling_monomers
            )
            self.total_majorant += self.majorant[r]
        for s in range(self.stickers):
            n = self.count[self.sticker_species[s]]
            self.majorant[j] = self.number * self.stick_top(s) * n / self.volume_floor
            self.total_majorant += self.majorant[j]
            j += 1
        if self.nucleation == MEAN_FIELD:
            self.majorant[j] = self.nucleation_top
        elif self.nucleation == FROM_CLUSTER:
            self.majorant[j] = fmax(self.nucleus0, self.nucleus1) * self.count[self.nucleus_species]
        elif self.nucleation == EXPLICIT:
            n = self.ceiling_monomers
            self.majorant[j] = fmax(self.attach0[1], self.attach1[1]) * n * (n - 1) / self.volume_floor
        else:
            self.majorant[j] = 0.0
        self.total_majorant += self.majorant[j]
        self.majorant[j + 1] = 0.0
        if self.coalescing:
            self.majorant[j + 1] = 0.5 * self.number * (self.number - 1) * self.pair_top() / self.volume_floor
        self.total_majorant += self.majorant[j + 1]

    cdef void schedule_reaction(self, double t) noexcept nogil:
        self.next_reaction = t + self.exponential() / self.total_majorant if self.total_majorant > 0.0 else INFINITY

    cdef void schedule_drop(self, int64_t s, double t) noexcept nogil:
        """Next molecule out of syringe s: hazard N Q/V_left, integrated and inverted in closed form."""
        cdef double left = self.left[s] - self.push[s] * (t - self.epoch_start)
        if self.push[s] <= 0.0 or self.molecules[s] == 0:
            self.next_drop[s] = INFINITY
        else:
            self.next_drop[s] = t - (left / self.push[s]) * expm1(-self.exponential() / self.molecules[s])

    cdef void drop(self, int64_t s) noexcept nogil:
        """One molecule leaves syringe s."""
        cdef int64_t j, pick = <int64_t>(self.uniform() * self.molecules[s])
        for j in range(self.species):
            if pick < self.content[s, j]:
                break
            pick -= self.content[s, j]
        self.content[s, j] -= 1
        self.molecules[s] -= 1
        self.count[j] += 1

    # -- births ------------------------------------------------------------------------------

    cdef inline double mean_at(self, double t) noexcept nogil:
        """Mean-field concentration, linear within the window."""
        cdef double f = 1.0
        if self.window_end > self.window_start:
            f = (t - self.window_start) / (self.window_end - self.window_start)
        return self.mean0 + f * (self.mean1 - self.mean0)

    cdef double nucleation_rate(self, double c, double theta, double temperature, double *units) noexcept nogil:
        """Particles inserted per volume and time, and their mean size; notes a cap reached and n* below 5."""
        cdef double ln_a = self.law0[0] + theta * (self.law1[0] - self.law0[0])
        cdef double gamma = self.law0[1] + theta * (self.law1[1] - self.law0[1])
        cdef double flat = self.law0[2] * exp(theta * log(self.law1[2] / self.law0[2]))
        cdef double encounter = self.law0[3] + theta * (self.law1[3] - self.law0[3])
        cdef Nuclei n = nuclei(c, flat, ln_a, gamma, encounter, temperature, self.unit_volume, self.power_law,
                               self.exponent)
        units[0] = n.units
        if n.rate > 0.0:
            self.at_cap, self.few_units = n.capped, n.few
        return n.rate

    cdef inline int64_t whole_units(self, double mean) noexcept nogil:
        """One of the two whole sizes about that of a nucleus, by chance, so that their mean is its size."""
        return <int64_t>floor(mean + self.uniform())

    cdef void give_birth(self, int64_t units) noexcept nogil:
        if self.number >= self.size.shape[0]:
            self.room_short = True      # cannot happen: room is made before every window
            return
        self.insert(units, 1)
        self.born += 1
        self.born_in_window += 1

    cdef bint nucleate(self, double t) noexcept nogil:
        """A nucleation candidate at time t; whether it is accepted."""
        cdef double theta = self.theta(t), rate, mean = 2.0
        cdef int64_t units, n = self.count[0]
        if self.nucleation == FROM_CLUSTER:
            rate = self.nucleus0 * exp(theta * log(self.nucleus1 / self.nucleus0)) if self.ramp else self.nucleus0
            if self.uniform() * fmax(self.nucleus0, self.nucleus1) >= rate:
                return False
            self.count[self.nucleus_species] -= 1
            self.give_birth(self.nucleus_units)
            return True
        if self.nucleation == EXPLICIT:
            rate = self.attach_at(1, theta) * n * (n - 1) / self.volume_at(t)
        else:
            rate = self.nucleation_rate(self.mean_at(t), theta, self.temperature_at(t), &mean) * self.volume_at(t)
        if n < 2 and self.nucleation == EXPLICIT:
            return False
        if self.uniform() * self.majorant[self.reactions + self.stickers] >= rate:
            return False
        self.capped = self.capped or self.at_cap
        self.tiny = self.tiny or self.few_units
        units = self.whole_units(mean) if self.nucleation == MEAN_FIELD else 2
        self.count[0] -= units
        self.largest_debt = max(self.largest_debt, -self.count[0])
        self.give_birth(units)
        return True

    cdef bint stick(self, int64_t s, double t) noexcept nogil:
        """A cluster meets a uniformly drawn particle and stays with probability rate over majorant."""
        cdef int64_t b = 0, p = <int64_t>(self.uniform() * self.listed), n
        cdef double rate
        if p >= self.number:
            return False
        n = self.size[p]
        rate = self.stick0[s, n] + self.theta(t) * (self.stick1[s, n] - self.stick0[s, n])
        if self.uniform() * self.stick_top(s) * self.volume_at(t) >= rate * self.volume_floor:
            return False
        self.count[self.sticker_species[s]] -= 1
        while p >= self.start[b + 1]:
            b += 1
        self.size[p] = <int32_t>(n + self.sticker_units[s])
        if n + self.sticker_units[s] >= self.edge[b + 1]:
            self.settle(p, b)
        return True

    # -- coalescence -------------------------------------------------------------------------

    cdef double pair_shape(self, int64_t n, int64_t m) noexcept nogil:
        """(r_n + r_m)^2/(r_n r_m), or 1 where the rate does not depend on size."""
        cdef double x
        if not self.brownian:
            return 1.0
        x = cbrt(<double>n / <double>m)
        return 2.0 + x + 1.0 / x

    cdef double pair_top(self) noexcept nogil:
        """Largest rate constant of a pair over sizes and epoch."""
        cdef int64_t greatest = max(2, min(self.largest, self.coalescence_limit))
        return fmax(self.coalescence0, self.coalescence1) * self.pair_shape(greatest, 2) * (1.0 + 1e-12)

    cdef bint pair_joins(self, int64_t p, int64_t q, double t, double floor) noexcept nogil:
        """Whether a candidate of the pair is accepted; ``floor`` is a lower bound of the volume."""
        cdef int64_t n = self.size[p], m = self.size[q]
        cdef double rate = self.coalescence0 + self.theta(t) * (self.coalescence1 - self.coalescence0)
        if max(n, m) > self.coalescence_limit:
            return False
        return self.uniform() * self.pair_top() * self.volume_at(t) < rate * self.pair_shape(n, m) * floor

    cdef uint8_t origin_of_pair(self, int64_t p, int64_t q) noexcept nogil:
        """That of the larger; of two alike a seed's."""
        if self.size[p] == self.size[q]:
            return min(self.origin[p], self.origin[q])
        return self.origin[p] if self.size[p] > self.size[q] else self.origin[q]

    cdef bint coalesce(self, double t) noexcept nogil:
        """Two uniformly drawn particles become one with probability rate over majorant."""
        cdef int64_t p = <int64_t>(self.uniform() * self.listed), q = <int64_t>(self.uniform() * (self.listed - 1))
        cdef int64_t units, b = 0, c = 0
        cdef uint8_t origin
        if q >= p:
            q += 1
        if p >= self.number or q >= self.number or t < self.paired:
            return False
        if not self.pair_joins(p, q, t, self.volume_floor):
            return False
        units = self.size[p] + self.size[q]
        origin = self.origin_of_pair(p, q)
        # the later place first: taking it out leaves the earlier where it is
        if p < q:
            p, q = q, p
        while p >= self.start[b + 1]:
            b += 1
        self.remove(p, b)
        while q >= self.start[c + 1]:
            c += 1
        self.remove(q, c)
        self.insert(units, origin)
        self.born_in_window += 1
        return True

    cdef bint react(self, double t) noexcept nogil:
        """The channel candidate at time t; whether it happened."""
        cdef int64_t r, i, last = self.reactions + self.stickers
        cdef double x = self.uniform() * self.total_majorant
        for r in range(last + 2):
            if x < self.majorant[r]:
                break
            x -= self.majorant[r]
        else:
            return False
        if r > last:
            if not self.coalesce(t):
                return False
        elif r == last:
            if not self.nucleate(t):
                return False
        elif r >= self.reactions:
            if not self.stick(r - self.reactions, t):
                return False
        else:
            if self.thinned[r] or self.ramp:
                x = self.propensity(r, self.constant_at(r, self.theta(t)), self.volume_at(t), self.count[0])
                if self.uniform() * self.majorant[r] >= x:
                    return False
            for i in range(self.change_start[r], self.change_start[r + 1]):
                self.count[self.change_species[i]] += self.change_amount[i]
        self.tally[r] += 1
        return True
