"""The training loop that every baseline shares."""

import math
import time

import torch
from torch import nn

#: Steps over which a cosine schedule rises to the full learning rate.
WARM_UP = 100


def choose_device(device):
    """Return the torch device of a ``device`` parameter.

    Raises
    ------
    ValueError
        If it is unknown, or CUDA is asked for and absent.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f'device must be "auto", "cpu" or "cuda", got {device!r}.')
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise ValueError(
            'device="cuda" asks for a GPU, but torch finds none. Use device="auto" or '
            '"cpu", or install a torch that was built for your GPU.'
        )
    return torch.device("cuda" if there and device != "cpu" else "cpu")


def make_generator(rng, device):
    """Return a torch Generator seeded by a numpy one; the global one is untouched."""
    generator = torch.Generator(device=device)
    generator.manual_seed(int(rng.integers(2**62)))
    return generator


class Trainable(nn.Module):
    """A module with a loss to be minimised."""

    def loss(self, *batch_and_generator):
        """Return a dict of scalar tensors; its entry "loss" is minimised."""
        raise NotImplementedError

    def optimizers(self, learning_rate):
        """Return what steps along the gradients: Adam, unless overridden."""
        return [torch.optim.Adam(_trained(self), lr=learning_rate)]


def train(model, arrays, *, parts, device, options, rng, caller):
    """Minimise the loss of a Trainable over shuffled batches of arrays, on a device.

    The other arguments are of ``Trained._fitting``. The best weights on the rows held
    out are kept; with ``schedule`` "cosine" in the options, the learning rate falls to
    0 along one. The history has a dict for each epoch: "epoch", the means of the loss
    and its parts over the batches, "validation_loss" (of rows held out) and "seconds".
    """
    model.to(device)
    data, held_out = (
        None
        if rows is None
        else tuple(torch.from_numpy(a[rows]).to(device) for a in arrays)
        for rows in parts
    )
    generator = make_generator(rng, device)
    held_out_seed = int(rng.integers(2**62))
    parameters = _trained(model)
    n_batches = -(-len(data[0]) // options["batch_size"])
    optimizers = model.optimizers(options["learning_rate"])
    schedulers = []
    if options.get("schedule") == "cosine":
        share = _cosine(options["n_epochs"] * n_batches)
        schedulers = [torch.optim.lr_scheduler.LambdaLR(o, share) for o in optimizers]
    history, best, since_best = [], None, 0
    for epoch in range(options["n_epochs"]):
        start = time.perf_counter()
        record = {"epoch": epoch}
        record |= _one_epoch(model, data, optimizers + schedulers, n_batches, generator)
        if held_out is not None:
            # The same noise in every epoch, so that epochs compare.
            generator_too = torch.Generator(device=device).manual_seed(held_out_seed)
            record["validation_loss"] = _mean_loss(
                model, held_out, options["batch_size"], generator_too
            )
        record["seconds"] = time.perf_counter() - start
        _check_finite(record, options, caller)
        history.append(record)
        if options["verbose"]:
            print(_line(caller, record), flush=True)
        if held_out is None or options["patience"] is None:
            continue
        if best is None or record["validation_loss"] < best[0]:
            best, since_best = (record["validation_loss"], _copy(parameters)), 0
        else:
            since_best += 1
            if since_best >= options["patience"]:
                break
    if best is not None:
        with torch.no_grad():
            for parameter, kept in zip(parameters, best[1], strict=True):
                parameter.copy_(kept)
    return history


def _trained(model):
    return [p for p in model.parameters() if p.requires_grad]


def _cosine(n_steps):
    """Return the share of the learning rate in a step: a short rise, then a fall."""
    rise = min(WARM_UP, n_steps // 10 + 1)

    def share(step):
        fall = 0.5 + 0.5 * math.cos(math.pi * min(step / n_steps, 1.0))
        return min((step + 1) / rise, 1.0) * fall

    return share


def _one_epoch(model, data, steppers, n_batches, generator):
    order = torch.randperm(len(data[0]), generator=generator, device=data[0].device)
    sums, n_rows = {}, len(order)
    model.train()
    for rows in torch.tensor_split(order, n_batches):
        batch = [part.index_select(0, rows) for part in data]
        parts = model.loss(*batch, generator)
        model.zero_grad(set_to_none=True)
        parts["loss"].backward()
        for stepper in steppers:
            stepper.step()
        share = len(rows) / n_rows
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + share * value.detach()
    return {name: float(value) for name, value in sums.items()}


@torch.no_grad()
def _mean_loss(model, data, batch_size, generator):
    model.eval()
    total = 0.0
    n_batches = -(-len(data[0]) // batch_size)
    for batch in zip(*(torch.tensor_split(d, n_batches) for d in data), strict=True):
        total += float(model.loss(*batch, generator)["loss"]) * len(batch[0])
    return total / len(data[0])


def _check_finite(record, options, caller):
    bad = [k for k, v in record.items() if not abs(v) < float("inf")]
    if bad:
        raise FloatingPointError(
            f"The training of {caller} diverged in epoch {record['epoch']}: {bad[0]} "
            f"is {record[bad[0]]}. Lower learning_rate="
            f"{options['learning_rate']:g}, or bring the columns of X to like scales."
        )


def _copy(parameters):
    return [p.detach().clone() for p in parameters]


def _line(caller, record):
    numbers = "  ".join(f"{k} {v:.4g}" for k, v in record.items() if k != "epoch")
    return f"{caller}  epoch {record['epoch'] + 1}  {numbers}"
