"""Forests of conditional laws: walk the trees, average their leaves, invert.

Columns come as whole codes, the number of the cell that a value lies in. A forest
holds, for every column, a few trees on the codes of the columns before it. A
leaf is a row of cumulative probabilities over the column's bins: its own cells, or
even shares of the ranks that a linear model of the scores before it leaves.

The file is long because a kernel and all that it calls stand in one: Numba's cache
does not see changes of other files.
"""

import math
from collections import namedtuple
from typing import NamedTuple

import numpy as np

from gaussflow.kernels._jit import jit

SQRT_HALF = math.sqrt(0.5)


class Forest(
    namedtuple(
        "Forest",
        "order n_cells n_ranks n_plain missing gate gate_start closed roots feature "
        "threshold left right table cumulative rank_start ranks location scale weights "
        "gaps effect_start effects cell_start edges low high",
    )
):
    """The arrays that all kernels read; ``ForestMap`` builds them.

    Attributes
    ----------
    order : (d,) columns, in the order in which they are conditioned
    n_cells : (d,) cells of each column, which are the bins of its plain trees
    n_ranks : (d,) bins of its other trees: ranks that its linear model leaves
    n_plain : (d,) how many of its trees, the first ones, are plain
    missing : (d,) whether the first cell, and the first bin, is "missing"
    gate : (d,) an earlier column whose code tells what is missing, or -1
    gate_start : (d,) where that column's codes start in ``closed``
    closed : (size,) whether the column is missing for such a code
    roots : (d, t) node where each tree of each column starts
    feature : (nodes,) column that a node asks for, -1 in a leaf
    threshold : (nodes,) codes up to it go left
    left, right : (nodes,) the next nodes
    table : (nodes,) where a leaf's cumulative probabilities start, one more than
        its bins
    cumulative : (size,) from 0 to 1 in each leaf
    rank_start : (d, d) where the ranks of a predictor's unordered codes start,
        for the trees of one column; -1 where codes are in order as they are
    ranks : (size,) those ranks
    location, scale : (d,) the linear model's intercept and residual deviation
    weights, gaps : (d, d) its weights of the scores, and of a missing value
    effect_start : (d, d) where a predictor's effects of levels start, or -1
    effects : (size,) those effects
    cell_start : (d,) where the column's cells start in the next arrays
    edges : (size,) scores of the ends of the cells, n_cells + 1 a column
    low, high : (size,) scores at the ends of a cell, equal for an atom
    """

    __slots__ = ()


class Regions(NamedTuple):
    """Where the cells of rows must lie: pieces of the line of a column's cells.

    Cell k of a column is the piece from k to k + 1 of that line, and a place in it
    its share of the way.

    Attributes
    ----------
    of : (n, d) the region of each row's column, or -1 where it is free
    start : (regions + 1,) where each region's pieces start; they are in order
    low, high : (size,) their ends; equal for a single place, which has a density
    """

    of: np.ndarray
    start: np.ndarray
    low: np.ndarray
    high: np.ndarray


@jit
def _find_leaf(codes, j, node, forest):
    """Return where the law of the leaf starts that a row of codes falls in."""
    while forest.feature[node] >= 0:
        column = forest.feature[node]
        code = codes[column]
        start = forest.rank_start[j, column]
        if start >= 0:
            code = forest.ranks[start + code]
        if code <= forest.threshold[node]:
            node = forest.left[node]
        else:
            node = forest.right[node]
    return forest.table[node]


@jit
def _is_closed(codes, j, forest):
    """Return whether an earlier column's code says that column j is missing."""
    if forest.gate[j] < 0:
        return False
    return forest.closed[forest.gate_start[j] + codes[forest.gate[j]]]


@jit
def _location(codes, share, j, place, forest):
    """Return the linear model's mean score of column j, given those before it."""
    mean = forest.location[j]
    for k in forest.order[:place]:
        start = forest.effect_start[j, k]
        if start >= 0:
            mean += forest.effects[start + codes[k]]
        elif codes[k] == 0 and forest.missing[k]:
            mean += forest.gaps[j, k]
        else:
            at = forest.cell_start[k] + codes[k]
            low, high = forest.low[at], forest.high[at]
            score = low
            if high > low:
                part = share[k] if share[k] >= 0.0 else 1.0 + share[k]
                score += part * (high - low)
            mean += forest.weights[j, k] * score
    return mean


@jit
def _mean_score(codes, share, j, place, forest):
    """Return that mean where any tree of the column needs it, else 0."""
    if forest.n_plain[j] == forest.roots.shape[1]:
        return 0.0
    return _location(codes, share, j, place, forest)


@jit
def _rank(cell, j, mean, forest):
    """Return where the lower end of a cell lies among the ranks' bins."""
    if forest.n_plain[j] == forest.roots.shape[1]:
        return 0.0
    first = 1 if forest.missing[j] else 0
    if cell <= first:
        return float(cell)
    if cell >= forest.n_cells[j]:
        return float(forest.n_ranks[j])
    # The edges of all columns before this one hold one number more than cells.
    edge = forest.edges[forest.cell_start[j] + j + cell]
    rank = 0.5 * math.erfc(-SQRT_HALF * (edge - mean) / forest.scale[j])
    return first + rank * (forest.n_ranks[j] - first)


@jit
def _level(cell, rank, tree, at, j, forest):
    """Return a leaf's cumulative probability at the lower end of a cell.

    rank : where that end lies among the ranks' bins
    """
    if tree < forest.n_plain[j]:
        return forest.cumulative[at + cell]
    left = min(int(rank), forest.n_ranks[j] - 1)
    low = forest.cumulative[at + left]
    high = forest.cumulative[at + left + 1]
    return low + (rank - left) * (high - low)


@jit
def _invert_leaf(level, tree, at, cells, j, mean, forest):
    """Return the cell, and the place in it, where a leaf's law reaches a level.

    cells : the cell to look from, and the one to stop before
    """
    first, last = cells
    low = _level(first, _rank(first, j, mean, forest), tree, at, j, forest)
    high = _level(last, _rank(last, j, mean, forest), tree, at, j, forest)
    while last - first > 1:
        middle = (first + last) // 2
        rank = 0.0
        if tree >= forest.n_plain[j]:
            rank = _rank(middle, j, mean, forest)
        value = _level(middle, rank, tree, at, j, forest)
        if value <= level:
            first, low = middle, value
        else:
            last, high = middle, value
    where = (level - low) / (high - low) if high > low else 0.5
    return first, min(1.0, max(0.0, where))


@jit
def forest_forward(codes, share, forest, below, inside, above):
    """Average the leaves' laws at the cells of every row.

    codes, share : (n, d) cells of the rows, and places in them
    below, inside, above : (n, d), written: the probability of the cells before
        the row's own, of its own, and after it
    """
    n_trees = forest.roots.shape[1]
    for i in range(codes.shape[0]):
        for place in range(len(forest.order)):
            j = forest.order[place]
            if _is_closed(codes[i], j, forest):
                below[i, j], above[i, j] = 0.0, 0.0
                inside[i, j] = 1.0 if codes[i, j] == 0 else 0.0
                continue
            mean = _mean_score(codes[i], share[i], j, place, forest)
            cell = codes[i, j]
            start = _rank(cell, j, mean, forest)
            stop = _rank(cell + 1, j, mean, forest)
            low, high = 0.0, 0.0
            for t in range(n_trees):
                at = _find_leaf(codes[i], j, forest.roots[j, t], forest)
                low += _level(cell, start, t, at, j, forest)
                high += _level(cell + 1, stop, t, at, j, forest)
            below[i, j] = low / n_trees
            inside[i, j] = (high - low) / n_trees
            above[i, j] = 1.0 - high / n_trees


@jit
def forest_inverse(tails, upper, forest, codes, share, inside):
    """Find the cell, and the place in it, where the mean law reaches a level.

    tails : (n, d) probability beyond the level, at most one half
    upper : (n, d) whether that is the probability above it
    codes, share, inside : (n, d), written: the cells, the places in them in
        [0, 1] (negative: counted from above), and the cells' probabilities
    """
    n_trees = forest.roots.shape[1]
    leaves = np.empty(n_trees, dtype=np.int64)
    for i in range(tails.shape[0]):
        for place in range(len(forest.order)):
            j = forest.order[place]
            if _is_closed(codes[i], j, forest):
                codes[i, j], share[i, j], inside[i, j] = 0, 0.5, 1.0
                continue
            mean = _mean_score(codes[i], share[i], j, place, forest)
            for t in range(n_trees):
                leaves[t] = _find_leaf(codes[i], j, forest.roots[j, t], forest)
            level = tails[i, j]
            if upper[i, j]:
                level = 1.0 - level
            first, last = 0, forest.n_cells[j]
            low, high = 0.0, 1.0
            while last - first > 1:
                middle = (first + last) // 2
                rank = _rank(middle, j, mean, forest)
                value = 0.0
                for t in range(n_trees):
                    value += _level(middle, rank, t, leaves[t], j, forest)
                value /= n_trees
                if value <= level:
                    first, low = middle, value
                else:
                    last, high = middle, value
            width = high - low
            codes[i, j] = first
            inside[i, j] = width
            where = 0.5
            if width > 0.0 and upper[i, j]:
                # Counted from above, so that a level near 1 keeps its digits.
                where = (tails[i, j] - (1.0 - high)) / width
            elif width > 0.0:
                where = (level - low) / width
            where = min(1.0, max(0.0, where))
            share[i, j] = -where if upper[i, j] else where


@jit
def _draw_cell(level, codes, share, j, place, forest):
    """Draw column j of a row: a level in [0, 1) picks a tree and inverts its leaf."""
    n_trees = forest.roots.shape[1]
    level *= n_trees
    tree = min(int(level), n_trees - 1)
    mean = 0.0
    if tree >= forest.n_plain[j]:
        mean = _location(codes, share, j, place, forest)
    at = _find_leaf(codes, j, forest.roots[j, tree], forest)
    cells = 0, forest.n_cells[j]
    codes[j], share[j] = _invert_leaf(level - tree, tree, at, cells, j, mean, forest)


@jit
def forest_draw(uniforms, forest, first_place, last_place, codes, share):
    """Draw columns: for every cell pick a tree, then invert that tree's leaf alone.

    The same law as inverting the average, at the price of one tree.

    uniforms : (n, d) in [0, 1)
    first_place, last_place : places in the order to draw from, and to stop before
    codes, share : (n, d), written: the cells, and the places in them
    """
    # Column by column, so that one column's trees stay in the cache.
    for place in range(first_place, last_place):
        j = forest.order[place]
        for i in range(uniforms.shape[0]):
            if _is_closed(codes[i], j, forest):
                codes[i, j], share[i, j] = 0, 0.5
                continue
            _draw_cell(uniforms[i, j], codes[i], share[i], j, place, forest)


@jit
def leaf_visits(codes, j, forest, trees, visits):
    """Count how many rows fall in each leaf of some of a column's trees.

    codes : (n, d) cells of the rows, of the columns before j
    trees : the tree to count from, and the one to stop before, of the same kind
    visits : (leaves,), added to, in the order of the leaves' laws
    """
    first, stop = trees
    size = (forest.n_cells[j] if first < forest.n_plain[j] else forest.n_ranks[j]) + 1
    start = -1
    for node in range(forest.roots[j, first], len(forest.feature)):
        if forest.feature[node] < 0:
            start = forest.table[node]
            break
    for i in range(codes.shape[0]):
        if _is_closed(codes[i], j, forest):
            continue
        for t in range(first, stop):
            at = _find_leaf(codes[i], j, forest.roots[j, t], forest)
            visits[(at - start) // size] += 1.0


@jit
def _piece(low, high, j, mean, forest, ends):
    """Find where the ends of a piece of the line of cells lie.

    ends : (2, 4), written: for either end its cell, the ranks of that cell's two
        ends, and the share of the way between them; for a single place, the
        ends of its cell
    """
    last = forest.n_cells[j] - 1
    for side in range(2):
        cell = min(int(high if side else low), last)
        ends[side, 0] = cell
        ends[side, 1] = _rank(cell, j, mean, forest)
        ends[side, 2] = _rank(cell + 1, j, mean, forest)
        ends[side, 3] = (high if side else low) - cell
        if low == high:
            ends[side, 3] = side


@jit
def _end_level(end, tree, at, j, forest):
    """Return a leaf's cumulative probability at one end of a piece."""
    cell = int(end[0])
    low = _level(cell, end[1], tree, at, j, forest)
    high = _level(cell + 1, end[2], tree, at, j, forest)
    return low + end[3] * (high - low)


@jit
def _weigh(codes, pieces, j, mean, forest, regions, leaves, masses, ends):
    """Write the leaf of each tree and what a region weighs there; return the sum."""
    for t in range(len(leaves)):
        leaves[t] = _find_leaf(codes, j, forest.roots[j, t], forest)
        masses[t] = 0.0
    for p in range(pieces[0], pieces[1]):
        _piece(regions.low[p], regions.high[p], j, mean, forest, ends)
        for t in range(len(leaves)):
            masses[t] += _end_level(ends[1], t, leaves[t], j, forest)
            masses[t] -= _end_level(ends[0], t, leaves[t], j, forest)
    total = 0.0
    for t in range(len(leaves)):
        total += masses[t]
    return total


@jit
def _draw_within(level, pieces, tree, at, j, mean, forest, regions, ends):
    """Return the cell, and the place in it, where a leaf's law on a region is."""
    first, stop = pieces
    for p in range(first, stop):
        low, high = regions.low[p], regions.high[p]
        _piece(low, high, j, mean, forest, ends)
        begin = _end_level(ends[0], tree, at, j, forest)
        mass = _end_level(ends[1], tree, at, j, forest) - begin
        if level < mass or p == stop - 1:
            break
        level -= mass
    from_cell = min(int(low), forest.n_cells[j] - 1)
    to_cell = min(int(high), forest.n_cells[j] - 1)
    if low == high:
        return from_cell, low - from_cell
    cells = from_cell, to_cell + 1
    cell, where = _invert_leaf(begin + level, tree, at, cells, j, mean, forest)
    if cell == from_cell:
        where = max(where, low - from_cell)
    if cell == to_cell:
        where = min(where, high - to_cell)
    return cell, where


@jit
def _resample(log_weights, offset, threshold, codes, share, work):
    """Draw particles anew by their weights where few of them carry the most.

    Systematic resampling; ``work`` holds room for codes and places. The weights'
    mean is kept.
    """
    n = len(log_weights)
    top = -np.inf
    for m in range(n):
        top = max(top, log_weights[m])
    if top == -np.inf:
        return
    total, squares = 0.0, 0.0
    for m in range(n):
        weight = math.exp(log_weights[m] - top)
        total += weight
        squares += weight * weight
    if total * total >= threshold * n * squares:
        return
    old_codes, old_share = work
    old_codes[:], old_share[:] = codes, share
    source, reached = 0, math.exp(log_weights[0] - top)
    step = total / n
    for m in range(n):
        wanted = (m + offset) * step
        while reached < wanted and source < n - 1:
            source += 1
            reached += math.exp(log_weights[source] - top)
        codes[m], share[m] = old_codes[source], old_share[source]
    log_weights[:] = top + math.log(step)


@jit
def forest_particles(
    uniforms, offsets, threshold, forest, regions, codes, share, log_weights
):
    """Draw weighted rows whose cells lie in given regions, column by column.

    Each cell is drawn from its law on the region; the row's weight is the
    product of what the regions weigh. So the weights' mean is the probability of
    the regions (a density at single places), whatever ``threshold`` is.

    uniforms : (n, m, d) in [0, 1), for m particles of each of n rows
    offsets : (n, d) in [0, 1), for drawing particles anew
    threshold : a row's particles are drawn anew where they count as fewer
        than this share of them; 0 for never
    codes, share : (n, m, d), written: the cells, and the places in them
    log_weights : (n, m), written: logs of the weights
    """
    n_particles, n_trees = uniforms.shape[1], forest.roots.shape[1]
    leaves = np.empty(n_trees, dtype=np.int64)
    masses, ends = np.empty(n_trees), np.empty((2, 4))
    work = np.empty_like(codes[0]), np.empty_like(share[0])
    for i in range(uniforms.shape[0]):
        log_weights[i] = 0.0
        for place in range(len(forest.order)):
            j = forest.order[place]
            region = regions.of[i, j]
            first, stop = 0, 0
            if region >= 0:
                first, stop = regions.start[region], regions.start[region + 1]
            for m in range(n_particles):
                row, places = codes[i, m], share[i, m]
                if _is_closed(row, j, forest):
                    row[j], places[j] = 0, 0.5
                    if region >= 0 and (stop == first or regions.low[first] >= 1.0):
                        log_weights[i, m] = -np.inf
                    continue
                level = uniforms[i, m, j]
                if region < 0:
                    _draw_cell(level, row, places, j, place, forest)
                    continue
                pieces = first, stop
                mean = _mean_score(row, places, j, place, forest)
                total = _weigh(
                    row, pieces, j, mean, forest, regions, leaves, masses, ends
                )
                if not total > 0.0:
                    log_weights[i, m] = -np.inf
                    row[j] = 0
                    if stop > first:
                        row[j] = min(int(regions.low[first]), forest.n_cells[j] - 1)
                    places[j] = 0.5
                    continue
                log_weights[i, m] += math.log(total / n_trees)
                level *= total
                tree = 0
                while tree < n_trees - 1 and level >= masses[tree]:
                    level -= masses[tree]
                    tree += 1
                row[j], places[j] = _draw_within(
                    level, pieces, tree, leaves[tree], j, mean, forest, regions, ends
                )
            if region >= 0 and threshold > 0.0 and n_particles > 1:
                _resample(
                    log_weights[i], offsets[i, j], threshold, codes[i], share[i], work
                )


@jit
def _spread_block(counts, base, start, stop, n_smooth, law):
    """Spread the rows of some cells evenly over runs that hold enough of them.

    The runs reach from the first row to the last, and on either side further by
    the rows' mean distance; a single row is spread over the whole block.
    """
    mass, first, last = 0.0, -1, -1
    for k in range(start, stop):
        law[k] = 0.0
        mass += counts[k]
        if counts[k] > 0.0:
            first = k if first < 0 else first
            last = k
    if mass == 0.0:
        return
    reach = stop - start
    if mass > 1.0:
        reach = 1 + int((last - first) / (mass - 1.0))
    begin, end = max(start, first - reach), min(stop, last + 1 + reach)
    n_runs = max(1, int(mass / n_smooth))
    seen, spent, weight, opened = 0.0, 0.0, 0.0, begin
    for k in range(begin, end):
        seen += counts[k]
        weight += base[k]
        done = seen >= spent + mass / n_runs - 1e-9 and seen < mass - 1e-9
        if done or k == end - 1:
            for cell in range(opened, k + 1):
                law[cell] = (seen - spent) * base[cell] / weight
            spent, weight, opened = seen, 0.0, k + 1


@jit
def node_laws(counts, parent, base, alone, n_smooth, shrink, laws):
    """Smooth the counts of every node of a tree, and draw them to their parents.

    Neighbouring cells are joined to runs of ``n_smooth`` rows; inside such a run,
    the cells keep the proportions of ``base``. A cell that is ``alone``, or
    holds as many rows itself, is a run of its own. Then the node's law is
    averaged with its parent's, which counts as ``shrink`` rows.

    counts : (nodes, k) rows of each node in each cell; parents come first
    parent : (nodes,) -1 for the root, whose parent is ``base``
    base : (k,) positive, sums to 1
    alone : (k,) bool
    laws : (nodes, k), written: probabilities
    """
    n_nodes, n_cells = counts.shape
    for i in range(n_nodes):
        total = 0.0
        for k in range(n_cells):
            total += counts[i, k]
        start = 0
        for k in range(n_cells + 1):
            if k == n_cells or alone[k] or counts[i, k] >= n_smooth:
                _spread_block(counts[i], base, start, k, n_smooth, laws[i])
                if k < n_cells:
                    laws[i, k] = counts[i, k]
                start = k + 1
        for k in range(n_cells):
            prior = base[k] if parent[i] < 0 else laws[parent[i], k]
            laws[i, k] = (laws[i, k] + shrink * prior) / (total + shrink)
