"""A fit that fails or is interrupted leaves the model that was there before."""

from functools import wraps


def keep_old_on_failure(fit):
    """Return a method ``fit`` that gives the object its old state back if it raises.

    It holds for attributes that ``fit`` sets anew; what it changes within them stays.
    """

    @wraps(fit)
    def whole(self, *args, **kwargs):
        before = dict(vars(self))
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return whole
