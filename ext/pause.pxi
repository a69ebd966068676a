# Why a kernel hands back control.

cpdef enum Pause:
    REACHED = 0     # the state is that at the time asked for
    EPOCH = 1       # the epoch is over
    BUDGET = 2      # as much work as asked for
    TABLE = 3       # a particle outgrew the rate tables
    ROOM = 4        # the particle arrays may run out of places, or the particles outgrow the grid
    FAILED = 5      # the step has become too small to move the time
