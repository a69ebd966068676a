# Both paths followed over a step.

cdef double SHARPER = 10.0     # than the field of the windows


cdef class Follower(Course):
    """Integrates the paths and keeps what a leap draws from: areas, extents, hazards and what is fresh."""

    cdef double[::1] hazard0, hazard1
    cdef double[CELLS + 1] fresh_capture, fresh_release, fresh_units    # by birth and sticking until then
    cdef double[NODES] node_time, node_mean
    cdef int64_t nodes
    cdef double carried
    cdef public double first_step, found_step
    cdef double[::1] mean_end                   # of the mean field
    cdef double[CELLS + 1] born_course          # births of clusters expected by the borders of the cells

    cdef double follow(self, int64_t kind, double allowed) noexcept nogil:
        """Integrate ``y`` over the step, at most until c has moved by ``allowed``; the time reached, before the start
        if it takes too many steps. Keeps the concentration in ``node_mean`` and, for ACTUAL, in ``area``."""
        cdef double t = self.step_start, end = self.step_end, h = self.first_step, error, moved = 0.0, c, from_c
        cdef double smallest = 4e-15 * fmax(t, 1e-3), before, births = 0.0, fresh_a = 0.0, fresh_d = 0.0, fresh_u = 0.0
        cdef int64_t s, k = 0, tries = 0
        self.kind = kind
        self.unsteady = True
        self.unknowns = self.species
        if kind == ACTUAL:
            self.unknowns += self.reactions + self.stickers + 2
            self.area[0] = 0.0
            self.carried = 0.0
            self.born_course[0] = 0.0
            for s in range(self.species):
                self.hazard[s] = 0.0
            self.fill_hazard(t, self.hazard0)
        else:
            self.unknowns += 4
        for s in range(self.species, self.unknowns):
            self.y[s] = 0.0
        from_c = fmax(self.y[0], 0.0) / self.volume_at(t)
        c = from_c
        self.note(kind, 0, t, c)
        if not h > 0.0 or h > end - t:
            h = 0.25 * (end - t)
        while t < end:
            h = fmax(h, smallest)
            if t + h > end - smallest:
                h = end - t
            error = self.field_step(self.y, t, h) * SHARPER
            tries += 1
            if tries >= NODES - 2:
                t = self.step_start - 1.0
                break
            if not error <= 1.0 and h > smallest:
                h *= fmax(0.1, 0.9 * error ** (-1.0 / 3.0)) if error == error else 0.1
                continue
            moved = fabs(fmax(self.trial[0], 0.0) / self.volume_at(t + h) - from_c)
            if moved > allowed:
                if moved <= 1.1 * allowed or h <= smallest:
                    end = t + h
                else:
                    h *= fmax(0.1, 0.9 * allowed / moved) if t == self.step_start else 0.5
                    if t > self.step_start and fabs(c - from_c) > 0.6 * allowed:
                        break
                    continue
            before = c
            if kind == MEAN:
                fresh_a = self.y[self.species]
                fresh_d = self.y[self.species + 1]
                fresh_u = self.y[self.species + 3]
            if kind == ACTUAL:
                births = self.y[self.born_place()]
            for s in range(self.unknowns):
                if self.trial[s] == self.trial[s]:
                    self.y[s] = fmax(self.trial[s], 0.0)
            c = self.y[0] / self.volume_at(t + h)
            if kind == ACTUAL:
                self.fill_hazard(t + h, self.hazard1)
                for s in range(self.species):
                    self.hazard[s] += 0.5 * h * (self.hazard0[s] + self.hazard1[s])
                    self.hazard0[s] = self.hazard1[s]
                k = self.lay_area(t, t + h, before, c, births, k)
            else:
                self.note(kind, self.nodes, t + h, c)
                k = self.lay_fresh(t, t + h, fresh_a, fresh_d, fresh_u, k)
            if t == self.step_start:
                self.found_step = h
            t += h
            h *= fmin(5.0, fmax(0.3, 0.9 * (error + 1e-10) ** (-1.0 / 3.0)))
        self.kind = FROZEN
        self.unsteady = False
        self.unknowns = self.species
        return t

    cdef inline void note(self, int64_t kind, int64_t k, double t, double c) noexcept nogil:
        """A point of the mean field's concentration."""
        if kind == MEAN:
            self.node_time[k] = t
            self.node_mean[k] = c
            self.nodes = k + 1
            if k == 0:
                self.fresh_capture[0] = self.fresh_release[0] = self.fresh_units[0] = 0.0

    cdef inline int64_t born_place(self) noexcept nogil:
        """Where the path ACTUAL counts births of clusters."""
        return self.species + self.reactions + self.stickers

    cdef int64_t lay_area(self, double t0, double t1, double c0, double c1, double born, int64_t k) noexcept nogil:
        """Add a straight piece of the concentration to its integral, and of the births of clusters to their course;
        what is known at the borders of the cells."""
        cdef double border, c, from_t = t0, from_c = c0, more = self.y[self.born_place()] - born
        while k < CELLS:
            border = self.step_start + (k + 1) * self.cell
            if border > t1 or k == CELLS - 1:
                if t1 < self.step_end:
                    break
                border = t1
            c = c0 + (c1 - c0) * (border - t0) / (t1 - t0)
            self.carried += 0.5 * (from_c + c) * (border - from_t)
            from_t = border
            from_c = c
            k += 1
            self.area[k] = self.carried
            self.born_course[k] = born + more * (border - t0) / (t1 - t0)
        self.carried += 0.5 * (from_c + c1) * (t1 - from_t)
        return k

    cdef int64_t lay_fresh(self, double t0, double t1, double a0, double d0, double u0, int64_t k) noexcept nogil:
        """What birth and sticking have added to capture and release, and births taken, at the borders of the cells, on a straight piece."""
        cdef int64_t n = self.species
        cdef double f
        while k < CELLS:
            f = (self.step_start + (k + 1) * self.cell - t0) / (t1 - t0)
            if f > 1.0 and t1 < self.step_end:
                break
            f = fmin(f, 1.0)
            k += 1
            self.fresh_capture[k] = a0 + f * (self.y[n] - a0)
            self.fresh_release[k] = d0 + f * (self.y[n + 1] - d0)
            self.fresh_units[k] = u0 + f * (self.y[n + 3] - u0)
        return k

    cdef void add_fresh(self) noexcept nogil:
        """Count what birth and sticking add to the sums."""
        cdef int64_t k, low, high
        for k in range(CELLS + 1):
            self.capture[k] += self.fresh_capture[k]
            self.release[k] += self.fresh_release[k]
            low = max(k - 1, 0)
            high = min(k + 1, CELLS)
            self.drain[k] = (self.fresh_units[high] - self.fresh_units[low]) / (self.cell * (high - low))
