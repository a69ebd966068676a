# Events one by one: attachment, detachment, hops, pairs that form and fall apart, reactions, feed.

cdef class Kernel(Course):
    """Kinetic Monte Carlo on a lattice. ``kmcgrowth.lattice.twin`` is its readable definition.

    Groups below ``elements`` are empty places where an atom of that element can attach; sites of the others hold
    atoms that detach and hop at the rates of their group.
    """

    cdef Stream stream
    cdef double[::1] block                  # sums of the weights of blocks of groups
    cdef double pair_weight, reactions_weight, total
    cdef public double pending
    # of a single particle, by its atoms: time, places to attach to times time, atoms that left
    cdef public object exposure             # of each element, dissolved atoms times time [s]
    cdef double[::1] exposed
    cdef bint recording
    cdef double[::1] spent, crowd
    cdef double[:, ::1] offered
    cdef int64_t[:, ::1] gone
    cdef public int64_t attached, detached, hopped, pairs_formed, pairs_broken, seed_pairs_broken, entered, idle

    def __init__(self, bit_generator, *sites):
        super().__init__(*sites)
        self.stream = Stream(bit_generator)
        self.block = np.zeros(((self.groups - 1) >> self.shift) + 1)
        self.pending = -1.0
        self.recording = False

    def record(self, int64_t most):
        """From now on, note what happens at each number of atoms below ``most``.

        Returns four arrays that are kept up to date: time spent (most,) [s]; of each element (elements, most) empty
        places next to atoms, times time [s], and atoms that left; and whatever the number of atoms (elements + 2,)
        the time, dissolved atoms of each element times time, and their product times time [s].
        """
        shape = self.elements, most
        arrays = np.zeros(most), np.zeros(shape), np.zeros(shape, dtype=np.int64), np.zeros(self.elements + 2)
        self.spent, self.offered, self.gone, self.crowd = arrays
        self.recording = True
        return arrays

    cdef void note(self, double elapsed) noexcept nogil:
        cdef int e
        cdef double product = elapsed
        self.crowd[0] += elapsed
        for e in range(self.elements):
            self.crowd[e + 1] += elapsed * self.amount[e]
            product *= self.amount[e]
        self.crowd[self.elements + 1] += product
        if self.atoms < self.spent.shape[0]:
            self.spent[self.atoms] += elapsed
            for e in range(self.elements):
                self.offered[e, self.atoms] += elapsed * self.number[e]

    def set_solution(self, int elements, *solution):
        super().set_solution(elements, *solution)
        self.exposure = np.zeros(elements)
        self.exposed = self.exposure

    def set_window(self, double start, double end, volume, rates, hops, pair, reactions, push, left, **more):
        """Rates from ``start`` to ``end`` [s] as in ``set_rates``; ``push``, ``left`` of the syringes [m^3/s, m^3]."""
        cdef int i
        self.set_rates(start, end, volume, rates, hops, pair, reactions, **more)
        self.pending = -1.0
        self.push, self.left = np.array(push, dtype=float), np.array(left, dtype=float)
        for i in range(len(self.push)):
            self.draw_entry(i)
        self.dirty = <uint64_t>0xFFFFFFFFFFFFFFFF

    cdef void draw_entry(self, int i) noexcept nogil:
        """When the next molecule leaves a syringe: the n that are left leave at independent, uniform times."""
        cdef int64_t n = self.molecules(i)
        cdef double empty
        self.entry[i] = INFINITY
        if n and self.push[i] > 0.0:
            empty = self.start_time + self.left[i] / self.push[i]
            self.entry[i] = empty - (empty - self.now) * pow(self.stream.uniform(), 1.0 / n)

    cdef void weigh(self) noexcept nogil:
        """Sum the weights of the blocks that changed, and all blocks."""
        cdef int k, g, last
        cdef double sum
        for k in range(self.block.shape[0]):
            if self.dirty >> k & 1:
                sum = 0.0
                last = min((k + 1) << self.shift, self.groups)
                for g in range(k << self.shift, last):
                    sum += self.weight(g)
                self.block[k] = sum
        self.dirty = 0
        self.total = 0.0
        for k in range(self.block.shape[0]):
            self.total += self.block[k]
        self.pair_weight = 0.0
        if self.pairing:
            self.pair_weight = self.pair * self.bonds
            if not self.endless:
                self.pair_weight *= self.pairs_dissolved()
            self.total += self.pair_weight
        if self.power.shape[0]:
            self.reactions_weight = self.weigh_reactions()
            self.total += self.reactions_weight

    cpdef int run(self, double until, int64_t budget):
        """Go on to ``until`` [s], for as many candidates as ``budget`` at most; a ``Pause``."""
        cdef int why
        with nogil:
            why = self.loop(until, budget)
        return why

    cdef int loop(self, double until, int64_t budget) noexcept nogil:
        cdef double next, entry
        cdef int i, which
        while True:
            if self.full:
                return ROOM
            if budget <= 0:
                return BUDGET
            if self.pending < 0.0:
                if self.dirty:
                    self.weigh()
                self.pending = self.now + self.stream.exponential() / self.total if self.total > 0.0 else INFINITY
            next, which = self.pending, -1
            for i in range(self.entry.shape[0]):
                if self.entry[i] < next:
                    next, which = self.entry[i], i
            if next > until and self.end_time > until:
                return REACHED
            if next >= self.end_time:
                for i in range(self.elements):
                    self.exposed[i] += self.amount[i] * (self.end_time - self.now)
                self.now, self.pending = self.end_time, -1.0
                return EPOCH
            budget -= 1
            for i in range(self.elements):
                self.exposed[i] += self.amount[i] * (next - self.now)
            if self.recording:
                self.note(next - self.now)
            self.now, self.pending = next, -1.0
            if which < 0:
                self.choose()
            else:
                self.enter(which, self.stream.word())
                self.entered += 1
                self.draw_entry(which)

    cdef void choose(self) noexcept nogil:
        """One candidate: what it is, and whether it happens."""
        cdef double x = self.stream.uniform() * self.total, w
        cdef int k, g, last, chosen = -1, blocks = self.block.shape[0]
        for k in range(blocks):
            if x < self.block[k]:
                last = min((k + 1) << self.shift, self.groups)
                for g in range(k << self.shift, last):
                    w = self.weight(g)
                    if w > 0.0:
                        chosen = g
                        if x < w:
                            break
                        x -= w
                self.candidate(chosen)
                return
            x -= self.block[k]
        if self.pairing:
            if x < self.pair_weight:
                self.candidate_pair()
                return
            x -= self.pair_weight
        for g in range(self.power.shape[0]):
            if self.weight_of[g] > 0.0:
                chosen = g
                if x < self.weight_of[g]:
                    break
                x -= self.weight_of[g]
        if chosen < 0 or (not self.steady and self.stream.uniform() >= self.share(chosen, self.now)):
            self.idle += 1
            return
        self.react(chosen)

    cdef void candidate(self, int g) noexcept nogil:
        """Something happens at a site of a group, any with the same chance."""
        cdef uint64_t high, low = multiply_wide(self.stream.word(), <uint64_t>self.number[g], &high)
        cdef int32_t s = self.member[self.start[g] + <int64_t>high]
        cdef int32_t[MOST] near
        cdef double actual, x
        if not self.steady:
            actual = self.at_now(self.rate0[g], self.rate1[g])
            if g < self.elements:
                actual *= self.dense(g)
            if self.stream.uniform() * self.rate[g] >= actual:
                self.idle += 1
                return
        if g < self.elements:
            if not self.endless:
                self.amount[g] -= 1
            self.near_to(s, near)
            self.seat(s, near, self.seed_among(near))
            self.attached += 1
            return
        if self.hopping:
            # what is left of the word is as good as a new one
            x = (low >> 11) * TO_UNIT
            actual = self.at_now(self.hop0[g], self.hop1[g]) / self.at_now(self.rate0[g], self.rate1[g])
            if x < actual:
                self.hop_from(s, <int>(x / actual * self.hop_number))
                return
        self.detach(s)

    cdef void give_back(self, int element, int32_t s) noexcept nogil:
        """An atom that left site s is dissolved."""
        if not self.endless:
            self.amount[element] += 1
            self.dirty |= <uint64_t>1 << (element >> self.shift)

    cdef void detach(self, int32_t s) noexcept nogil:
        """An atom goes into solution; none is left behind without a neighbour but in a pair, of which both go."""
        cdef int32_t[MOST] near
        cdef int i, b = self.near_to(s, near)
        cdef int32_t partner = -1
        cdef double actual
        for i in range(self.near_number):
            if self.taken(near[i]) and self.first(near[i]) == 1:
                if self.first(s) > 1:
                    self.idle += 1
                    return
                partner = near[i]
        if partner >= 0 and self.follow_second:
            # the rate is that of the atom alone, but the energy of both is lost
            actual = self.of_second(0, self.beyond(s)) * self.of_second(1, self.beyond(partner))
            if actual < 1.0 and self.stream.uniform() >= actual:
                self.idle += 1
                return
        if self.recording and self.atoms < self.spent.shape[0]:
            self.gone[self.kind[b], self.atoms] += 1
            if partner >= 0:
                self.gone[self.kind[partner % self.basis], self.atoms] += 1
        if partner >= 0 and self.site[s].flags & SEED:
            self.seed_pairs_broken += 1
        self.vacate(s)
        self.give_back(self.kind[b], s)
        self.detached += 1
        if partner >= 0:
            b = partner % self.basis
            self.vacate(partner)
            self.give_back(self.kind[b], partner)
            self.pairs_broken += 1

    cdef void hop_from(self, int32_t s, int direction) noexcept nogil:
        """An atom moves to an empty site of its kind that has a neighbour, unless it would leave one without any."""
        cdef int32_t[MOST] out
        cdef int32_t[MOST] near
        cdef int32_t[MOST] around
        cdef int32_t target
        cdef int i, j, support
        cdef bint held, seed
        self.around(s, self.hop, self.hop_jump, self.hop_number, out)
        target = out[direction]
        support = 0
        if not self.taken(target):
            self.near_to(target, around)
            support = self.first(target)
            for j in range(self.near_number):
                support -= around[j] == s
        if support == 0:
            self.idle += 1
            return
        self.near_to(s, near)
        for i in range(self.near_number):
            if self.taken(near[i]) and self.first(near[i]) == 1:
                held = False
                for j in range(self.near_number):
                    held |= around[j] == near[i]
                if not held:
                    self.idle += 1
                    return
        seed = self.site[s].flags & SEED
        self.unseat(s, near)
        self.seat(target, around, seed and self.seed_among(around))
        self.hopped += 1

    cdef void candidate_pair(self) noexcept nogil:
        """Two dissolved atoms meet on two neighbouring sites, if both are free of neighbours."""
        cdef int32_t[MOST] near
        cdef uint64_t high, low, word = self.stream.word()
        cdef int32_t s, t
        cdef int b, d, m, n
        cdef double actual
        low = multiply_wide(word, <uint64_t>self.site.shape[0], &high)
        s = <int32_t>high
        multiply_wide(low, <uint64_t>self.near_number, &high)
        d = <int>high
        b = self.near_to(s, near)
        t = near[d]
        if self.taken(s) or self.taken(t) or self.first(s) or self.first(t):
            self.idle += 1
            return
        m, n = self.beyond(s), self.beyond(t)
        if m or n or not self.steady:
            actual = self.at_now(self.pair0, self.pair1) * self.dense(0) * self.of_second(0, m) * self.of_second(0, n)
            if self.endless:
                actual *= self.dense(self.elements - 1)
            if self.stream.uniform() * self.pair >= actual:
                self.idle += 1
                return
        if not self.endless:
            self.amount[self.kind[b]] -= 1
            self.amount[self.kind[self.near[b, d, 3]]] -= 1
            self.dirty |= 1
        self.occupy(s, False)
        self.occupy(t, False)
        self.pairs_formed += 1

    def rate_now(self):
        """Rate of all candidates [1/s], without what the syringes give."""
        if self.dirty:
            self.weigh()
        return self.total

    @property
    def events(self):
        """Events so far, candidates that came to nothing left out."""
        return (self.attached + self.detached + self.hopped + self.pairs_formed + self.entered
                + int(np.sum(self.done)))

    def state(self):
        """What ``restore`` needs to go on to the same bytes."""
        where, seed = self.occupied()
        return {
            "occupied": where, "seed": seed, "lists": [self.members(g) for g in range(self.groups)],
            "amount": self.amounts(), "content": self.contents(), "done": self.done.copy(),
            "entry": np.asarray(self.entry).copy(), "exposure": self.exposure.copy(), "now": self.now, "pending": self.pending,
            "tallies": [self.attached, self.detached, self.hopped, self.pairs_formed, self.pairs_broken,
                        self.seed_pairs_broken, self.entered, self.idle],
        }

    def restore(self, state):
        """Go back to a state, after ``set_window`` of the window it was in."""
        cdef int32_t[::1] listed
        cdef int64_t i
        where, _ = self.occupied()
        for s in where:
            self.vacate(s)
        self.fill(state["occupied"], state["seed"])
        for g in range(self.groups):
            listed = np.ascontiguousarray(state["lists"][g], dtype=np.int32)
            for i in range(len(listed)):
                self.member[self.start[g] + i] = listed[i]
                self.site[listed[i]].slot = <int32_t>i
        self.amount, self.content = np.array(state["amount"]), np.array(state["content"])
        self.done[:] = state["done"]
        self.entry = np.array(state["entry"])
        self.exposure[:] = state["exposure"]
        self.now, self.pending = state["now"], state["pending"]
        (self.attached, self.detached, self.hopped, self.pairs_formed, self.pairs_broken, self.seed_pairs_broken,
         self.entered, self.idle) = state["tallies"]
        self.dirty = <uint64_t>0xFFFFFFFFFFFFFFFF
        self.weigh()  # by these sums the candidate that is already timed is chosen
