"""A selection as the steps that made it: in words for provenance, as JSON for links, and made again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.filters import filters as filtering
from explorer.filters.filters import Filter
from explorer.selection.query import Query
from explorer.selection.recipes import MAX_CORNERS, ByQuery, Disc, Lasso, Listed, Nearest, OfClass, Recipe, Shown
from explorer.services import Services
from explorer.tools.masks import SELECTION_MODES, Mask, SelectionMode, combine
from vae.errors import OptionError

#: Steps of a selection that a link carries, and selections within selections.
MAX_STEPS: Final = 12
MAX_DEPTH: Final = 3


@dataclass(frozen=True)
class Step:
    """One step of a selection: a recipe, how it was combined, and what was on the map at the time.

    Parameters
    ----------
    mode : {"replace", "add", "subtract", "intersect"}
    recipe : Recipe
    hidden : frozenset of str
        Classes left off the map.
    filters : tuple of Filter
    """

    mode: SelectionMode
    recipe: Recipe
    hidden: frozenset[str] = frozenset()
    filters: tuple[Filter, ...] = ()


Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Saved(Recipe):
    """A selection that was saved under a name.

    Parameters
    ----------
    name : str
    steps : tuple of Step
        How it was made.
    """

    name: str
    steps: Steps

    @property
    def words(self) -> str:
        """Say it in a line."""
        return f"selection “{self.name}” ({in_words(self.steps)})"

    def mask(self, services: Services, shown: Mask | None) -> Mask:
        """Make it again, shape (n,)."""
        return made(self.steps, services)

    def to_plain(self) -> dict[str, Any] | None:
        """Return the steps."""
        steps = steps_to_plain(self.steps)
        return None if steps is None else {"saved": self.name, "steps": steps}


def shown_mask(services: Services, hidden: frozenset[str], filters: tuple[Filter, ...]) -> Mask | None:
    """Which detections are on the map, shape (n,); None for all of them."""
    passing = filtering.passing(filters, services.atlas)
    if not hidden:
        return passing
    visible = np.array([name not in hidden for name in services.class_names])[services.class_codes]
    return visible if passing is None else visible & passing


def made(steps: Steps, services: Services) -> Mask:
    """Make a selection again from its steps, shape (n,)."""
    current: Mask | None = None
    for step in steps:
        shown = shown_mask(services, step.hidden, step.filters)
        new = step.recipe.mask(services, shown)
        current = combine(current, new if shown is None else new & shown, step.mode)
    return np.zeros(len(services), dtype=bool) if current is None else current


_JOINED: Final = {"replace": "", "add": "add ", "subtract": "take away ", "intersect": "keep only "}


def in_words(steps: Steps) -> str:
    """Say how a selection was made: "lasso of 34 corners, of Net counts ≥ 300; add class AGN"."""
    parts: list[str] = []
    before: tuple[Any, Any] = frozenset(), ()
    for step in steps:
        context: tuple[Any, Any] = step.hidden, step.filters
        first = not parts and step.mode == "add"
        text = ("" if first else _JOINED[step.mode]) + step.recipe.words
        if context != before:
            limits = [each.words for each in step.filters]
            limits += [f"without {', '.join(sorted(step.hidden))}"] if step.hidden else []
            text += f", of {'; '.join(limits)}" if limits else ", of all"
        parts.append(text)
        before = context
    return "; ".join(parts)


def fits_a_link(steps: Steps) -> bool:
    """Whether `steps_to_plain` can write the steps, without writing them."""
    if len(steps) > MAX_STEPS:
        return False
    recipes = [step.recipe for step in steps]
    return all(fits_a_link(each.steps) if isinstance(each, Saved) else not isinstance(each, Listed) for each in recipes)


def steps_to_plain(steps: Steps) -> list[dict[str, Any]] | None:
    """Return steps as JSON; None where one of them cannot be, or there are too many for a link."""
    if not fits_a_link(steps):
        return None
    plain: list[dict[str, Any]] = []
    for step in steps:
        recipe = step.recipe.to_plain()
        if recipe is None:
            return None
        if step.mode != "replace":
            recipe["mode"] = step.mode
        if step.hidden:
            recipe["hidden"] = sorted(step.hidden)
        if step.filters:
            recipe["filters"] = [filtering.to_plain(each) for each in step.filters]
        plain.append(recipe)
    return plain


def steps_from_plain(plain: Any, depth: int = 0) -> Steps:
    """Read what `steps_to_plain` wrote.

    Raises
    ------
    OptionError
        For anything else.
    """
    if not isinstance(plain, list) or not 1 <= len(plain) <= MAX_STEPS or depth > MAX_DEPTH:
        raise OptionError(f"not a selection: {str(plain)[:80]!r}")
    return tuple(_step(each, depth) for each in plain)


def _step(plain: Any, depth: int) -> Step:
    try:
        mode: SelectionMode = plain.get("mode", "replace")
        if mode not in SELECTION_MODES:
            raise ValueError(mode)
        filters = tuple(filtering.from_plain(each) for each in plain.get("filters", [])[:50])
        hidden = frozenset(str(name)[:100] for name in plain.get("hidden", [])[:255])
        return Step(mode, _recipe(plain, depth), hidden, filters)
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise OptionError(f"not a selection: {str(plain)[:80]!r}") from error


def _recipe(plain: dict[str, Any], depth: int) -> Recipe:
    about = str(plain.get("about", ""))[:100]
    if "lasso" in plain:
        corners = _numbers(plain["lasso"], 2 * MAX_CORNERS).reshape(-1, 2)
        if len(corners) < 3:
            raise ValueError("a lasso has three corners")
        return Lasso(corners[:, 0].copy(), corners[:, 1].copy())
    if "box" in plain:
        x0, x1, y0, y1 = _numbers(plain["box"], 4)
        return Lasso(np.array([x0, x1, x1, x0]), np.array([y0, y0, y1, y1]))
    if "disc" in plain:
        x, y, rx, ry = _numbers(plain["disc"], 4).tolist()
        return Disc(x, y, rx, ry, about, float(plain.get("sigmas", 0)))
    if "near" in plain:
        x, y, number = _numbers(plain["near"], 3).tolist()
        return Nearest(x, y, int(number), about)
    if "query" in plain:
        return ByQuery(Query(str(plain["query"])))
    if "class" in plain:
        return OfClass(str(plain["class"])[:100])
    if "steps" in plain:
        return Saved(str(plain["saved"])[:100], steps_from_plain(plain["steps"], depth + 1))
    if plain["shown"]:
        return Shown()
    raise ValueError("no recipe")


def _numbers(plain: Iterable[Any], most: int) -> NDArray[np.float64]:
    numbers = np.array([float(value) for value in list(plain)[: most + 1]])
    if numbers.size > most or not np.isfinite(numbers).all():
        raise ValueError("too many numbers, or infinite ones")
    return numbers
