"""Forests of conditional laws: walk the trees, average their leaves, invert.

Columns come as whole codes, the number of the cell that a value lies in. A forest
holds, for every column, a few trees on the codes of the columns before it. A
leaf is a row of cumulative probabilities over the column's own cells.

All kernels share one layout (``ForestMap`` builds it):

order : (d,) columns, in the order in which they are conditioned
n_cells : (d,) cells of each column
roots : (d, t) node where each tree of each column starts
feature : (nodes,) column that a node asks for, -1 in a leaf
threshold : (nodes,) codes up to it go left
left, right : (nodes,) the next nodes
table : (nodes,) where a leaf's n_cells + 1 cumulative probabilities start
cumulative : (size,) from 0 to 1 in each leaf
rank_start : (d, d) where the ranks of a predictor's unordered codes start, for
    the trees of one column; -1 where codes are in order as they are
ranks : (size,) those ranks
"""

import numpy as np

from gaussflow.kernels._jit import jit


@jit
def _find_leaf(codes, node, starts, feature, threshold, left, right, table, ranks):
    """Return where the law of the leaf starts that a row of codes falls in."""
    while feature[node] >= 0:
        column = feature[node]
        code = codes[column]
        if starts[column] >= 0:
            code = ranks[starts[column] + code]
        node = left[node] if code <= threshold[node] else right[node]
    return table[node]


@jit
def forest_forward(
    codes,
    order,
    n_cells,
    roots,
    feature,
    threshold,
    left,
    right,
    table,
    cumulative,
    rank_start,
    ranks,
    below,
    inside,
    above,
):
    """Average the leaves' laws at the cells of every row.

    codes : (n, d) cells of the rows
    below, inside, above : (n, d), written: the probability of the cells before
        the row's own, of its own, and after it
    """
    n_trees = roots.shape[1]
    for i in range(codes.shape[0]):
        for j in order:
            low, high = 0.0, 0.0
            for t in range(n_trees):
                at = codes[i, j] + _find_leaf(
                    codes[i],
                    roots[j, t],
                    rank_start[j],
                    feature,
                    threshold,
                    left,
                    right,
                    table,
                    ranks,
                )
                low += cumulative[at]
                high += cumulative[at + 1]
            below[i, j] = low / n_trees
            inside[i, j] = (high - low) / n_trees
            above[i, j] = 1.0 - high / n_trees


@jit
def forest_inverse(
    tails,
    upper,
    order,
    n_cells,
    roots,
    feature,
    threshold,
    left,
    right,
    table,
    cumulative,
    rank_start,
    ranks,
    codes,
    share,
    inside,
):
    """Find the cell, and the place in it, where the mean law reaches a level.

    tails : (n, d) probability beyond the level, at most one half
    upper : (n, d) whether that is the probability above it
    codes, share, inside : (n, d), written: the cells, the places in them in
        [0, 1], and the cells' probabilities
    """
    n_trees = roots.shape[1]
    leaves = np.empty(n_trees, dtype=np.int64)
    for i in range(tails.shape[0]):
        for j in order:
            for t in range(n_trees):
                leaves[t] = _find_leaf(
                    codes[i],
                    roots[j, t],
                    rank_start[j],
                    feature,
                    threshold,
                    left,
                    right,
                    table,
                    ranks,
                )
            level = tails[i, j]
            if upper[i, j]:
                level = 1.0 - level
            first, last = 0, n_cells[j]
            low, high = 0.0, 1.0
            while last - first > 1:
                middle = (first + last) // 2
                value = 0.0
                for t in range(n_trees):
                    value += cumulative[leaves[t] + middle]
                value /= n_trees
                if value <= level:
                    first, low = middle, value
                else:
                    last, high = middle, value
            codes[i, j] = first
            width = high - low
            inside[i, j] = width
            if upper[i, j]:
                # Counted from above, so that a level near 1 keeps its digits.
                place = 1.0 - ((tails[i, j] - (1.0 - high)) / width)
            else:
                place = (level - low) / width
            share[i, j] = min(1.0, max(0.0, place))


@jit
def forest_draw(
    uniforms,
    order,
    n_cells,
    roots,
    feature,
    threshold,
    left,
    right,
    table,
    cumulative,
    rank_start,
    ranks,
    codes,
    share,
):
    """Draw rows: for every cell pick a tree, then invert that tree's leaf alone.

    The same law as inverting the average, at the price of one tree.

    uniforms : (n, d) in [0, 1)
    codes, share : (n, d), written: the cells, and the places in them
    """
    n_trees = roots.shape[1]
    for i in range(uniforms.shape[0]):
        for j in order:
            level = uniforms[i, j] * n_trees
            tree = min(int(level), n_trees - 1)
            level -= tree
            at = _find_leaf(
                codes[i],
                roots[j, tree],
                rank_start[j],
                feature,
                threshold,
                left,
                right,
                table,
                ranks,
            )
            first, last = 0, n_cells[j]
            while last - first > 1:
                middle = (first + last) // 2
                if cumulative[at + middle] <= level:
                    first = middle
                else:
                    last = middle
            codes[i, j] = first
            low = cumulative[at + first]
            width = cumulative[at + first + 1] - low
            place = (level - low) / width if width > 0.0 else 0.5
            share[i, j] = min(1.0, max(0.0, place))


@jit
def node_laws(counts, parent, base, alone, n_smooth, shrink, laws):
    """Smooth the counts of every node of a tree, and draw them to their parents.

    Neighbouring cells are joined until they hold ``n_smooth`` rows; inside
    such a run, the cells keep the proportions of ``base``. A cell that is
    ``alone``, or holds as many rows itself, is a run of its own. Then the node's law
    is averaged with its parent's, which counts as ``shrink`` rows.

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
        while start < n_cells:
            stop, mass, weight = start, 0.0, 0.0
            while stop < n_cells:
                own = alone[stop] or counts[i, stop] >= n_smooth
                if own and stop > start:
                    break
                mass += counts[i, stop]
                weight += base[stop]
                stop += 1
                if own or mass >= n_smooth:
                    break
            for k in range(start, stop):
                laws[i, k] = mass * base[k] / weight
            start = stop
        for k in range(n_cells):
            prior = base[k] if parent[i] < 0 else laws[parent[i], k]
            laws[i, k] = (laws[i, k] + shrink * prior) / (total + shrink)
