# Events one by one: attachment, detachment, hops, pairs that form and fall apart, reactions, feed.

cdef class Kernel(Solution):
    """Kinetic Monte Carlo on a lattice. ``kmcgrowth.lattice.twin`` is its readable definition.

    Groups below ``elements`` are empty places where an atom of that element can attach; sites of the others hold
    atoms that detach and hop at the rates of their group.
    """

    cdef Stream stream
    cdef double[::1] rate0, rate1, rate     # of each group, at both ends of the window, and the majorant
    cdef double[::1] hop0, hop1             # the part of the atoms' rates that is hops
    cdef double[::1] block                  # sums of the weights of BLOCK groups
    cdef double pair0, pair1, pair, pair_weight, reactions_weight
    cdef int64_t bonds                      # pairs of neighbouring sites where a pair of atoms can form
    cdef bint steady, hopping, pairing
    cdef public double now, pending
    cdef double total
    # of a single particle, by its atoms: time, places to attach to times time, atoms that left
    cdef public object exposure             # of each element, dissolved atoms times time [s]
    cdef double[::1] exposed
    cdef bint recording
    cdef double[::1] spent, offered
    cdef int64_t[::1] gone
    cdef public int64_t attached, detached, hopped, pairs_formed, pairs_broken, seed_pairs_broken, entered, idle

    def __init__(self, bit_generator, *sites):
        super().__init__(*sites)
        self.stream = Stream(bit_generator)
        self.rate0, self.rate1, self.rate, self.hop0, self.hop1 = (np.zeros(self.groups) for _ in range(5))
        self.block = np.zeros((self.groups + BLOCK - 1) // BLOCK)
        self.now, self.pending = 0.0, -1.0
        self.bonds = len(self.site) * self.near_number // 2
        self.start_time, self.end_time, self.volume0, self.volume1 = 0.0, 1.0, 1.0, 1.0
        self.recording = False

    def record(self, int64_t most):
        """From now on, note what happens at each number of atoms below ``most``.

        Returns three arrays that are kept up to date: time spent [s], empty places next to atoms, times time [s], and
        atoms that left (most,).
        """
        arrays = np.zeros(most), np.zeros(most), np.zeros(most, dtype=np.int64)
        self.spent, self.offered, self.gone = arrays
        self.recording = True
        return arrays

    cdef void note(self, double elapsed) noexcept nogil:
        cdef int64_t places = 0
        cdef int e
        if self.atoms < self.spent.shape[0]:
            for e in range(self.elements):
                places += self.number[e]
            self.spent[self.atoms] += elapsed
            self.offered[self.atoms] += elapsed * places

    def set_solution(self, int elements, *solution):
        super().set_solution(elements, *solution)
        self.exposure = np.zeros(elements)
        self.exposed = self.exposure

    def set_window(self, double start, double end, volume, rates, hops, pair, reactions, push, left):
        """Rates from ``start`` to ``end`` [s], each given at both ends and linear in between.

        ``volume`` [m^3]; ``rates``, ``hops`` (groups,) [1/s], for attachment beside a solution that is not endless
        per dissolved atom, times volume [m^3/s]; ``pair`` [1/s per bond; else times volume^2]; ``reactions``;
        ``push``, ``left`` of the syringes [m^3/s, m^3].
        """
        cdef int i
        self.start_time, self.end_time = start, end
        self.now, self.pending = start, -1.0
        self.volume0, self.volume1 = volume
        self.rate0, self.rate1 = (np.array(r, dtype=float) for r in rates)
        self.rate = np.maximum(self.rate0, self.rate1)
        self.hop0, self.hop1 = (np.array(r, dtype=float) for r in hops)
        self.hopping = bool(np.any(self.hop0) or np.any(self.hop1))
        self.pair0, self.pair1 = pair
        self.pairing = max(pair) > 0.0
        self.reaction0, self.reaction1 = (np.array(r, dtype=float) for r in reactions)
        least = min(volume)
        if not self.endless:
            for i in range(self.elements):
                self.rate[i] /= least
        self.pair = max(pair) * (1.0 if self.endless else 1.0 / least)
        power = np.asarray(self.power)
        self.propensity = np.maximum(self.reaction0, self.reaction1) * np.maximum(volume[0] ** power, volume[1] ** power)
        self.steady = volume[0] == volume[1] and all(
            np.array_equal(a, b) for a, b in (rates, hops, pair, reactions)
        )
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
                last = min((k + 1) * BLOCK, self.groups)
                for g in range(k * BLOCK, last):
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

    cdef inline double weight(self, int g) noexcept nogil:
        cdef double w = self.number[g] * self.rate[g]
        if g < self.elements and not self.endless:
            w *= self.amount[g]
        return w

    cdef inline double pairs_dissolved(self) noexcept nogil:
        cdef double n = <double>self.amount[0]
        return n * self.amount[1] if self.elements > 1 else n * (n - 1.0)

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
                last = min((k + 1) * BLOCK, self.groups)
                for g in range(k * BLOCK, last):
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

    cdef inline double at_now(self, double a, double b) noexcept nogil:
        """A rate between its values at both ends of the window."""
        return a + (b - a) * (self.now - self.start_time) / (self.end_time - self.start_time)

    cdef void candidate(self, int g) noexcept nogil:
        """Something happens at a site of a group, any with the same chance."""
        cdef uint64_t high, low = multiply_wide(self.stream.word(), <uint64_t>self.number[g], &high)
        cdef int32_t s = self.member[self.start[g] + <int64_t>high]
        cdef int32_t[MOST] near
        cdef double actual, x
        if not self.steady:
            actual = self.at_now(self.rate0[g], self.rate1[g])
            if g < self.elements and not self.endless:
                actual /= self.volume_at(self.now)
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
            self.dirty |= <uint64_t>1 << (element // BLOCK)

    cdef void detach(self, int32_t s) noexcept nogil:
        """An atom goes into solution; none is left behind without a neighbour but in a pair, of which both go."""
        cdef int32_t[MOST] near
        cdef int i, b = self.near_to(s, near)
        cdef int32_t partner = -1
        for i in range(self.near_number):
            if self.taken(near[i]) and self.first(near[i]) == 1:
                if self.first(s) > 1:
                    self.idle += 1
                    return
                partner = near[i]
        if self.recording and self.atoms < self.gone.shape[0]:
            self.gone[self.atoms] += 1 + (partner >= 0)
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
        cdef int b, d
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
        if not self.steady:
            actual = self.at_now(self.pair0, self.pair1)
            if not self.endless:
                actual /= self.volume_at(self.now)
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
