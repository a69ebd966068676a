# The loop over windows, segments and events.

cdef class Loop(MeanField):
    """State and loop of one trajectory."""

    cdef public bint peopled        # whether there were particles at the start of the window before

    cdef public double now

    # -- windows -----------------------------------------------------------------------------

    cdef void open_window(self) noexcept nogil:
        cdef double latest = self.epoch_end, rate, volume = self.volume_at(self.now), c, births, units
        cdef int64_t s
        self.window_start = self.now
        self.born_in_window = 0
        if self.number == 0 and self.peopled:
            # with the last particle gone there is no field of many to speak of, but only what is there
            for s in range(self.species):
                self.amount[s] = fmax(<double>self.count[s], 0.0)
        self.peopled = self.number > 0
        self.spent += self.number + self.largest
        for s in range(self.species):
            self.first_amount[s] = self.amount[s]
        self.volume_floor = volume
        self.count_sizes()
        self.sum_rates(self.theta(self.now))
        c = fmax(fmax(self.amount[0], <double>self.count[0]), 0.0) / volume
        rate = self.attach_sum * c + self.detach_sum
        if rate > 0.0:
            latest = fmin(latest, self.now + fmax(4.0 * self.number, 64.0) / rate)
        if self.flow > 0.0:
            latest = fmin(latest, self.now + 0.005 * self.cold_volume_at(self.now) / self.flow)
        if self.nucleation == MEAN_FIELD and rate > 0.0:
            # while particles are born the sums change fast, and births follow c steeply
            c = fmax(self.amount[0], 0.0) / volume
            births = self.nucleation_rate(c, self.theta(self.now), self.temperature_at(self.now), &units) * volume
            if births * (latest - self.now) > 0.002 * self.number:
                latest = fmin(latest, self.now + fmax(0.1 * self.number, 16.0) / rate)
        # straight lines that lengthen slowly come to rest where the field does
        latest = fmin(latest, self.now + fmax(3.0 * self.length, 1e-6))
        # at extreme rates at least a time that the clock can tell
        latest = fmin(fmax(latest, self.now * (1.0 + 1e-15)), self.epoch_end)
        self.mean0 = fmax(self.amount[0], 0.0) / volume
        self.window_end = self.follow_field(self.now, latest, False)
        self.length = self.window_end - self.now
        if self.epoch_end - self.window_end < 1e-9 * (self.window_end - self.window_start):
            self.window_end = self.epoch_end
        self.mean1 = fmax(self.amount[0], 0.0) / self.volume_at(self.window_end)
        self.volume_bounds(self.window_start, self.window_end, &self.volume_floor, &self.volume_roof)
        if self.nucleation == MEAN_FIELD:
            self.nucleation_top = 1.02 * self.volume_roof * fmax(
                self.nucleation_rate(self.mean0, self.theta(self.window_start), self.temperature_at(self.window_start), &units),
                self.nucleation_rate(self.mean1, self.theta(self.window_end), self.temperature_at(self.window_end), &units),
            )
        if self.since_banding < 0 or self.since_banding > max(16 * self.number, 40000):
            self.lay_out_bands()
        self.place_in_ramp(self.window_start, self.window_end)
        self.refresh()
        self.in_window = True

    cdef void refresh(self) noexcept nogil:
        """New ceilings and majorants, and by the lack of memory new candidate times of the channels."""
        self.set_ceilings()
        self.set_majorants()
        self.schedule_reaction(self.now)

    # -- segments ----------------------------------------------------------------------------

    cdef void open_segment(self) noexcept nogil:
        cdef double end = fmin(self.window_end, self.next_reaction), mean
        cdef int64_t s
        if not self.ceilings_fit():
            self.widen(1.1)
            self.refresh()
            end = fmin(self.window_end, self.next_reaction)
        for s in range(self.syringes):
            end = fmin(end, self.next_drop[s])
        mean = self.allowed_weight * (end - self.now) if self.allowed_weight > 0.0 else 0.0
        if mean > TYPICAL:
            end = self.now + TYPICAL / self.allowed_weight
            mean = TYPICAL
        self.segment_start = self.now
        self.segment_end = end
        self.candidates = random_poisson(self.generator, mean) if mean > 0.0 else 0
        self.segment += 1
        self.timed = False
        self.overflow = False
        self.done = 0
        if self.flow != 0.0 or (self.ramp and self.expansion != 0.0):
            self.volume_bounds(self.segment_start, self.segment_end, &self.volume_low, &self.volume_high)
        else:
            self.volume_low = self.volume_at(self.now)
            self.volume_high = self.volume_low
        self.set_segment_shares()
        self.in_segment = True

    cdef void close_segment(self, double t) noexcept nogil:
        self.since_banding += self.done
        self.spent += self.done + 16
        self.in_segment = False
        self.now = t

    cdef void fire(self) noexcept nogil:
        """What is due at the end of a segment."""
        cdef int64_t s
        for s in range(self.syringes):
            if self.next_drop[s] <= self.now:
                self.drop(s)
                self.window_events += 1
                self.schedule_drop(s, self.now)
                if self.ceilings_fit():
                    self.set_majorants()
                    self.schedule_reaction(self.now)
                else:
                    self.widen(1.1)
                    self.refresh()
                return
        if self.next_reaction <= self.now:
            if self.react(self.now):
                self.window_events += 1
                if self.born_in_window > 1 + self.number // 200:
                    # the particles that the mean field knows are no longer those there are
                    self.leave_window(self.now)
                    return
                if not self.ceilings_fit():
                    self.widen(1.1)
                    self.refresh()
                    return
                self.set_majorants()
            self.schedule_reaction(self.now)
            return
        if self.now >= self.window_end:
            self.in_window = False

    cdef int leap(self, double until) noexcept nogil:
        """Take a step in bulk instead of a window: LEAPT, EVENTS for a window, or why to pause."""
        return EVENTS

    cdef int proceed(self, double until, int64_t budget) noexcept nogil:
        cdef int64_t stop
        self.spent = 0
        while True:
            if self.table_short:
                return TABLE
            if not self.in_segment and self.now >= until:
                return REACHED
            if not self.in_window:
                if self.now >= self.epoch_end:
                    return EPOCH
                if self.size.shape[0] - self.number < 64:
                    return ROOM
                stop = self.leap(until)
                if stop == LEAPT:
                    if self.spent > budget and self.now < until:
                        return BUDGET
                    continue
                if stop != EVENTS:
                    return stop
                self.open_window()
            if not self.in_segment:
                if self.spent > budget:
                    return BUDGET
                if self.size.shape[0] - self.number < 2:
                    return ROOM
                self.open_segment()
            stop = self.candidates
            if until <= self.segment_end:
                self.draw_times()
                stop = self.done
                while stop < self.candidates and self.instant[stop] <= until:
                    stop += 1
            if stop > self.done:
                self.run_candidates(stop)
            if self.overflow:
                self.draw_times()
                if self.ceiling_monomers > 0:
                    self.widen(1.3)
                self.close_segment(self.instant[self.done - 1])
                if not self.table_short:
                    self.refresh()
                continue
            if until <= self.segment_end:
                return REACHED
            self.slack = fmax(self.slack * 0.9998, 4.0)
            self.close_segment(self.segment_end)
            self.fire()
