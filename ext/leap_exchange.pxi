# What happens to the dissolved species in a leap: syringes, reactions, sticking, births, and the monomer pool.

cdef int64_t ROUNDS = 60        # most times that a molecule goes to and fro in a step


cdef class Exchange(Follower):
    """Draws whole numbers around the expected course.

    Every molecule that is there or arrives leaves its species in the step with a probability of its own
    channel's making, so that slow channels have binomial noise and fast ones follow what feeds them; no count falls below zero. For the
    monomer the arrivals include what the particles release, and one of the ways out is attachment.
    """

    cdef int32_t[::1] sequence               # species, those that feed others first
    cdef uint8_t[::1] circular              # whether a reaction may return what it takes
    cdef int64_t[::1] arrived, forced, rest, stuck
    cdef int64_t[::1] back                  # arrived after their species was settled
    cdef double[::1] late                   # chance that what arrives in the step stays to its end
    cdef uint8_t[::1] settled
    cdef int32_t[::1] keeper                # of every reaction: the reactant that decides how often it happens
    cdef double[::1] expected               # arrivals in the step
    cdef double[::1] extents                # expected, of reactions, sticking, births from a cluster, attachment
    cdef double[::1] birth_time
    cdef int64_t[::1] birth_units
    cdef public int64_t births              # in the step
    cdef public double mean_births          # expected
    cdef int64_t released, captured         # monomers, by and from all particles

    # -- births ------------------------------------------------------------------------------------

    cdef inline double mean_along(self, double t) noexcept nogil:
        """Mean-field concentration at t of the step."""
        cdef int64_t low = 0, high = self.nodes - 1, middle
        while high - low > 1:
            middle = (low + high) // 2
            if self.node_time[middle] <= t:
                low = middle
            else:
                high = middle
        if high == low or self.node_time[high] <= self.node_time[low]:
            return self.node_mean[high]
        return self.node_mean[low] + (self.node_mean[high] - self.node_mean[low]) * fmin(fmax(
            (t - self.node_time[low]) / (self.node_time[high] - self.node_time[low]), 0.0), 1.0)

    cdef double birth_rate(self, double t, double *units) noexcept nogil:
        """Births per second at t by the laws that read a concentration, and the mean size of a newborn."""
        cdef double c
        if self.nucleation == EXPLICIT:
            units[0] = 2.0
            c = self.concentration_at(t)
            return self.attach_at(1, self.theta(t)) * c * c * self.volume_at(t)
        return self.volume_at(t) * self.nucleation_rate(
            self.mean_along(t), self.theta(t), self.temperature_at(t), units
        )

    cdef void draw_births(self) noexcept nogil:
        """Births of the step by thinning, each with its time and size."""
        cdef double t = self.step_start, top = 0.0, units
        cdef int64_t k
        self.births = 0
        if not self.reads_concentration():
            return
        if self.nucleation == MEAN_FIELD:
            for k in range(self.nodes):
                top = fmax(top, self.birth_rate(self.node_time[k], &units))
        for k in range(CELLS + 1):
            top = fmax(top, self.birth_rate(fmin(self.step_start + k * self.cell, self.step_end), &units))
        top *= 1.02
        if not top > 0.0:
            return
        while True:
            t += self.exponential() / top
            if t >= self.step_end:
                return
            if self.uniform() * top < self.birth_rate(t, &units):
                self.capped = self.capped or (self.nucleation == MEAN_FIELD and self.at_cap)
                self.tiny = self.tiny or (self.nucleation == MEAN_FIELD and self.few_units)
                self.bear(t, self.whole_units(units) if self.nucleation == MEAN_FIELD else 2)

    cdef inline void bear(self, double t, int64_t units) noexcept nogil:
        if self.births + self.number + 2 < self.birth_time.shape[0]:
            self.birth_time[self.births] = t
            self.birth_units[self.births] = units
            self.births += 1
        else:
            self.room_short = True      # cannot happen: a step expects a quarter of the room at most

    # -- molecules -----------------------------------------------------------------------------------

    cdef double share_leaving(self, int64_t s) noexcept nogil:
        """Of the molecules in syringe s, in the step."""
        cdef double left = self.left[s] - self.push[s] * (self.step_start - self.epoch_start)
        if self.push[s] <= 0.0 or left <= 0.0:
            return 0.0
        return fmin(self.push[s] * (self.step_end - self.step_start) / left, 1.0)

    cdef void inject(self) noexcept nogil:
        """Molecules out of the syringes: each leaves with its integrated hazard."""
        cdef int64_t s, j, k, taken, others
        for s in range(self.syringes):
            k = self.binomial(self.molecules[s], self.share_leaving(s))
            self.window_events += k
            others = self.molecules[s]
            self.molecules[s] -= k
            for j in range(self.species):
                if k == 0:
                    break
                others -= self.content[s, j]
                taken = k
                if others > 0:
                    taken = random_hypergeometric(self.generator, self.content[s, j], others, k) if self.content[s, j] else 0
                self.content[s, j] -= taken
                self.arrived[j] += taken
                k -= taken

    cdef void choose_keepers(self) noexcept nogil:
        """The scarcest reactant of every reaction; -1 where nothing is used up."""
        cdef int64_t r, i, s
        cdef double least, there
        for r in range(self.reactions):
            self.keeper[r] = -1
            least = INFINITY
            for i in range(self.change_start[r], self.change_start[r + 1]):
                s = self.change_species[i]
                if self.change_amount[i] >= 0:
                    continue
                there = (fmax(self.count[s], 0) + self.expected[s]) / <double>(-self.change_amount[i])
                if there < least:
                    least = there
                    self.keeper[r] = <int32_t>s

    cdef int64_t happen(self, int64_t r, int64_t wanted) noexcept nogil:
        """Reaction r takes place ``wanted`` times or as often as its other reactants allow; how often."""
        cdef int64_t i, s, n, keeper = self.keeper[r]
        for i in range(self.change_start[r], self.change_start[r + 1]):
            s, n = self.change_species[i], -self.change_amount[i]
            if n > 0 and s != keeper:
                if self.settled[s]:
                    wanted = min(wanted, self.rest[s] // n)
                else:
                    wanted = min(wanted, (max(self.count[s], 0) + self.arrived[s] - self.forced[s]) // n)
        for i in range(self.change_start[r], self.change_start[r + 1]):
            s, n = self.change_species[i], self.change_amount[i]
            if n > 0:
                if self.settled[s]:
                    self.rest[s] += n * wanted
                    self.back[s] += n * wanted
                else:
                    self.arrived[s] += n * wanted
            elif s != keeper:
                if self.settled[s]:
                    self.rest[s] += n * wanted
                else:
                    self.forced[s] -= n * wanted
        self.tally[r] += wanted
        self.window_events += wanted
        return wanted

    cdef void settle_species(self, int64_t s) noexcept nogil:
        """How many molecules of s stay, and where the others go."""
        cdef int64_t held = max(self.count[s], 0), come = self.arrived[s]
        cdef double survive, expected = self.expected[s], left
        if s == 0:
            come += self.released
        survive = exp(-self.hazard[s])
        if expected > 0.05 * held:
            left = self.y[s] + (self.missing_monomers() if s == 0 else 0.0)
            self.late[s] = fmin(fmax((left - survive * held) / expected, 0.0), 1.0)
        else:
            # the end of the path is not known well enough for the difference
            self.late[s] = (1.0 - survive) / self.hazard[s] if self.hazard[s] > 1e-9 else 1.0
        self.settled[s] = True
        self.rest[s] = 0
        self.depart(s, held, come, survive, self.late[s], self.forced[s])

    cdef void depart(self, int64_t s, int64_t held, int64_t come, double survive, double late, int64_t forced) noexcept nogil:
        """Fates of molecules of s: those there at the start stay with the chance ``survive``, those that come with ``late``;
        ``forced`` have gone already. Those that leave by twos or more do so in such groups, each by itself."""
        cdef double total = self.ways_out(s, False), clumped = 0.0, share
        cdef int64_t r, k, some, more, stay, leave
        if total > 0.0:
            for r in range(self.reactions):
                k = self.net_use(r, s)
                if k <= 1 or self.keeper[r] != s:
                    continue
                # of what is not in groups of the reactions before
                share = k * self.extents[r] / (total - clumped)
                some = self.groups(held, k, (1.0 - survive) * share / (1.0 - (1.0 - survive) * clumped / total))
                more = self.groups(come, k, (1.0 - late) * share / (1.0 - (1.0 - late) * clumped / total))
                clumped += k * self.extents[r]
                stay = self.happen(r, some + more)
                more = max(more - (some + more - stay), 0)
                held -= k * (stay - more)
                come -= k * more
            share = clumped / total
            survive = 1.0 - (1.0 - survive) * (1.0 - share) / (1.0 - (1.0 - survive) * share) if survive > 0.0 or share < 1.0 else 1.0
            late = 1.0 - (1.0 - late) * (1.0 - share) / (1.0 - (1.0 - late) * share) if late > 0.0 or share < 1.0 else 1.0
        stay = self.binomial(held, survive) + self.binomial(come, late)
        leave = held + come - stay - forced
        if leave < 0:
            stay += leave
            leave = 0
        self.rest[s] += stay
        self.send(s, leave)

    cdef int64_t groups(self, int64_t there, int64_t k, double chance) noexcept nogil:
        """How many groups of k molecules leave; what is left over makes a group by chance."""
        cdef int64_t number = there // k, left
        left = self.binomial(number, chance)
        if there % k and self.uniform() * k < chance * (there % k) and (left + 1) * k <= there:
            left += 1
        return left

    cdef double ways_out(self, int64_t s, bint single) noexcept nogil:
        """Expected molecules out of s by all ways that are open, or only by those that take one at a time."""
        cdef double total = 0.0
        cdef int64_t r, k
        for r in range(self.reactions):
            k = self.net_use(r, s)
            if k > 0 and not (self.keeper[r] != s and self.settled[self.keeper[r]]):
                if not (single and k > 1 and self.keeper[r] == s):
                    total += k * self.extents[r]
        for k in range(self.stickers):
            if self.sticker_species[k] == s:
                total += self.extents[self.reactions + k]
        if self.nucleation == FROM_CLUSTER and self.nucleus_species == s:
            total += self.extents[self.reactions + self.stickers]
        if s == 0:
            total += self.extents[self.reactions + self.stickers + 1]
        return total

    cdef bint settle_back(self) noexcept nogil:
        """Fates of the molecules that a reaction gave back after their species was settled; whether there were any."""
        cdef int64_t s, n
        cdef bint found = False
        for s in range(self.species):
            n = min(self.back[s], self.rest[s])
            self.back[s] = 0
            if n > 0:
                found = True
                self.rest[s] -= n
                self.depart(s, 0, n, 1.0, self.late[s], 0)
        return found

    cdef void send(self, int64_t s, int64_t leave) noexcept nogil:
        """Divide molecules that leave s among the ways out of it; those for which there is none go back to the rest."""
        cdef int64_t taken, r, k
        cdef double total = self.ways_out(s, True), weight
        if not total > 0.0:
            self.rest[s] += leave
            return
        for r in range(self.reactions):
            k = self.net_use(r, s)
            if k <= 0 or (self.keeper[r] != s and self.settled[self.keeper[r]]) or (k > 1 and self.keeper[r] == s):
                continue
            weight = k * self.extents[r]
            taken = self.binomial(leave, weight / total if weight < total else 1.0)
            total -= weight
            leave -= taken
            if self.keeper[r] == s:
                taken -= self.happen(r, taken)
            self.rest[s] += taken
        for k in range(self.stickers):
            if self.sticker_species[k] == s:
                weight = self.extents[self.reactions + k]
                taken = self.binomial(leave, weight / total if weight < total else 1.0)
                total -= weight
                leave -= taken
                self.stuck[k] += taken
        if self.nucleation == FROM_CLUSTER and self.nucleus_species == s:
            weight = self.extents[self.reactions + self.stickers]
            taken = self.binomial(leave, weight / total if weight < total else 1.0)
            total -= weight
            leave -= taken
            for k in range(taken):
                self.bear(self.time_of_birth(), self.nucleus_units)
        if s == 0 and self.extents[self.reactions + self.stickers + 1] > 0.0:
            self.captured += leave
            leave = 0
        self.rest[s] += leave

    cdef double time_of_birth(self) noexcept nogil:
        """When one of the births of clusters takes place, as they are expected to."""
        cdef double level = self.uniform() * self.born_course[CELLS], share
        cdef int64_t k = 0
        while k < CELLS - 1 and self.born_course[k + 1] < level:
            k += 1
        share = (level - self.born_course[k]) / fmax(self.born_course[k + 1] - self.born_course[k], 1e-300)
        return fmin(self.step_start + (k + fmin(fmax(share, 0.0), 1.0)) * self.cell, self.step_end)

    cdef double missing_monomers(self) noexcept nogil:
        """Expected at the end of the step, because births took them."""
        cdef double sum = 0.0
        cdef int64_t k
        if self.reads_concentration():
            for k in range(CELLS):
                sum += 0.5 * self.cell * (self.drain[k] + self.drain[k + 1]) * exp(
                    -self.hazard[0] * (1.0 - (k + 0.5) / CELLS)
                )
        return sum

    cdef void exchange(self) noexcept nogil:
        """Draw the fate of all dissolved molecules; ``rest`` is what is left, ``captured`` and ``released`` what the
        particles take and give."""
        cdef double release = 0.0
        cdef int64_t i, k, s, r
        for s in range(self.species):
            self.arrived[s] = 0
            self.forced[s] = 0
            self.back[s] = 0
            self.settled[s] = False
        for k in range(self.stickers):
            self.stuck[k] = 0
        self.captured = 0
        self.inject()
        for k in range(CELLS):
            release += 0.5 * self.cell * (self.release[k] + self.release[k + 1])
        self.released = self.poisson(release)
        self.expected[0] += release
        self.choose_keepers()
        for r in range(self.reactions):
            if self.keeper[r] < 0:
                # nothing is used up: it may still make something
                self.happen(r, self.poisson(self.extents[r]))
        for i in range(self.species):
            self.settle_species(self.sequence[i])
        for i in range(ROUNDS):
            if not self.settle_back():
                break
        # debts are paid, and nuclei take their monomers, which would have been captured or not by the end
        if self.count[0] < 0:
            self.take_monomers(-self.count[0], self.step_start)
        if self.reads_concentration():
            for k in range(self.births):
                if self.nucleation == EXPLICIT and self.rest[0] + self.captured < 2:
                    # pairs of monomers are born of monomers that are there
                    self.births = k
                    break
                self.take_monomers(self.birth_units[k], self.birth_time[k])

    cdef void take_monomers(self, int64_t units, double t) noexcept nogil:
        cdef double share = (self.step_end - t) / (self.step_end - self.step_start)
        cdef int64_t free = self.binomial(units, exp(-self.hazard[0] * share))
        self.captured -= units - free
        self.rest[0] -= free
        if self.captured < 0:
            self.rest[0] += self.captured
            self.captured = 0
        elif self.rest[0] < 0:
            free = min(-self.rest[0], self.captured)
            self.rest[0] += free
            self.captured -= free
