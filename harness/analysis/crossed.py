"""A linear mixed model with crossed random intercepts, by restricted or full maximum likelihood.

    score = X beta + sum over factors of b_factor[level] + e,   b_factor ~ N(0, variance), e ~ N(0, residual)

With variances relative to the residual, everything else has a closed form, so the likelihood is profiled to one
number a factor. All that is needed of the data are the cross products of design and indicators: once they are made,
an evaluation costs a factorisation of as many rows as there are languages, a hundredth of a general solver's, and it
cannot fail to converge unnoticed.

Source: Bates, Maechler, Bolker and Walker (2015), section 3; R2: Nakagawa and Schielzeth (2013).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from harness.analysis.grid import Array

LOWEST, HIGHEST = -16.0, 12.0  # of the logarithm of a relative variance
NOTHING = 1e-5  # a relative variance below which it is none


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted model.

    Attributes:
        effects: of the columns of the design.
        covariance: of the effects.
        variances: by factor.
        residual: variance.
        loglik: restricted with ``reml``, else full.
        marginal: share of the variance that the design explains.
        conditional: share that design and factors explain.
        converged: the optimiser came to rest.
    """

    effects: Array
    covariance: Array
    variances: Mapping[str, float]
    residual: float
    loglik: float
    marginal: float
    conditional: float
    converged: bool

    @property
    def errors(self) -> Array:
        """The effects' standard errors."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def singular(self) -> tuple[str, ...]:
        """Factors whose variance was estimated as nothing."""
        return tuple(name for name, variance in self.variances.items() if variance < NOTHING * self.residual)


def fit(
    score: Array, design: Array, factors: Mapping[str, Sequence[str]], *, reml: bool = True, near: Fit | None = None
) -> Fit:
    """The model of largest (restricted) likelihood.

    Args:
        score: (n,).
        design: (n, columns), a constant among them; of full rank.
        factors: by name, the level of every row.
        reml: restricted likelihood; full likelihoods are what likelihood-ratio tests compare.
        near: the fit of a similar model, to start from.
    """
    codes = [np.unique(np.asarray(levels), return_inverse=True)[1] for levels in factors.values()]
    sizes = [int(code.max()) + 1 for code in codes]
    products = _Products.of(score, design, codes, sizes)

    def deviance(logs: Array) -> float:
        return products.solve(np.repeat(np.exp(logs), sizes), reml).deviance

    start = np.zeros(len(codes))
    if near is not None:
        ratios = np.array([near.variances[name] for name in factors]) / near.residual
        start = np.clip(np.log(np.maximum(ratios, NOTHING)), LOWEST, HIGHEST)
    best = minimize(
        deviance,
        start,
        method="L-BFGS-B",
        bounds=[(LOWEST, HIGHEST)] * len(codes),
        options={"ftol": 1e-13, "gtol": 1e-7, "maxiter": 500},
    )
    solved = products.solve(np.repeat(np.exp(best.x), sizes), reml)
    variances = dict(zip(factors, (solved.residual * np.exp(best.x)).tolist(), strict=True))
    explained = float(np.var(design @ solved.effects))
    total = explained + sum(variances.values()) + solved.residual
    return Fit(
        effects=solved.effects,
        covariance=solved.covariance,
        variances=variances,
        residual=solved.residual,
        loglik=-solved.deviance / 2,
        marginal=explained / total,
        conditional=1 - solved.residual / total,
        converged=bool(best.success),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Solved:
    effects: Array
    covariance: Array
    residual: float
    deviance: float


@dataclass(frozen=True, slots=True, eq=False)
class _Products:
    """Cross products of the indicators Z and of [design, score]."""

    n: int
    zz: Array
    zw: Array
    ww: Array

    @classmethod
    def of(cls, score: Array, design: Array, codes: list[NDArray[np.int64]], sizes: list[int]) -> _Products:
        w = np.column_stack([design, score])
        starts = np.cumsum([0, *sizes])
        zz, zw = np.zeros((starts[-1], starts[-1])), np.zeros((starts[-1], w.shape[1]))
        for a, start in zip(codes, starts, strict=False):
            np.add.at(zw, a + start, w)
            for b, other in zip(codes, starts, strict=False):
                np.add.at(zz, (a + start, b + other), 1.0)
        return cls(len(score), zz, zw, w.T @ w)

    def solve(self, relative: Array, reml: bool) -> _Solved:
        """Effects and residual variance given the relative variance of every level."""
        root = np.sqrt(relative)
        inner = root[:, None] * self.zz * root + np.eye(len(root))
        factor = cho_factor(inner, lower=True, check_finite=False)
        zw = root[:, None] * self.zw
        ww = self.ww - zw.T @ cho_solve(factor, zw, check_finite=False)
        xx, xy = ww[:-1, :-1], ww[:-1, -1]
        inverse = np.linalg.inv(xx)
        effects = inverse @ xy
        p = len(effects)
        freedom = self.n - p if reml else self.n
        residual = float((ww[-1, -1] - xy @ effects) / freedom)
        deviance = freedom * (np.log(2 * np.pi * residual) + 1) + 2 * float(np.log(np.diag(factor[0])).sum())
        if reml:
            deviance += float(np.linalg.slogdet(xx)[1])
        return _Solved(effects, residual * inverse, residual, float(deviance))
