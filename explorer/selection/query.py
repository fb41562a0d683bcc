"""A small language that selects detections by their columns: ``net_counts > 300 and hr2 < 0``.

The text is parsed by `ast` and only read, never run: what is not on the short list below is an error that names the
word and its place. Nothing can be reached from a query but columns, numbers, texts and the functions listed here.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from typing import Final, NoReturn

import numpy as np

from explorer.selection.query_values import COMPARISONS, FUNCTIONS, Column, Number, Text, Truth, column_of, known_names
from explorer.services import Services
from explorer.tools.masks import Mask
from vae.errors import OptionError

#: A query is a line that a person writes: longer, larger or deeper ones are refused before they are read.
MAX_CHARACTERS: Final = 500
MAX_PARTS: Final = 120
MAX_DEPTH: Final = 24

#: Columns that an error names where none is near what was written.
_TOLD: Final = 8
#: A text in quotes, a word, or an equals sign that compares nothing in this language.
_TOKEN: Final = re.compile(r"(\"[^\"]*\"|'[^']*')|([A-Za-z_]\w*)|((?<![<>=!])=(?!=))")
#: Words that may be written in capitals; "class" is Python's own word, so another of its length stands in.
_WORDS: Final = {"and": "and", "or": "or", "not": "not", "in": "in", "true": "True", "false": "False", "class": "klass"}
#: Signs that people copy from papers and pages. All are one character, so that places stay right.
_SIGNS: Final = str.maketrans("−“”„‘’\t\n\r", '-"""\'\'   ')
_HINTS: Final = {"≤": "<=", "≥": ">=", "≠": "!=", "∧": "and", "∨": "or", "&": "and", "|": "or", "\\": "a column's name"}


@dataclass(frozen=True)
class Query:
    """A query that was read and found to be one.

    Parameters
    ----------
    text : str
        At most `MAX_CHARACTERS`.

    Raises
    ------
    OptionError
        Where the text is not a query; columns are looked up by `mask`.
    """

    text: str

    def __post_init__(self) -> None:
        _parse(self.text)

    def mask(self, services: Services) -> Mask:
        """Which detections the query holds for.

        Raises
        ------
        OptionError
            For a column that the atlas lacks, or one compared with what it cannot be compared with.

        Returns
        -------
        array of bool, shape (n,)

        Notes
        -----
        A comparison with an absent value is neither true nor false (as in SQL), so neither it nor its negation selects
        the detection.
        """
        reader = _Reader(_parse(self.text), self.text, services)
        with np.errstate(all="ignore"):
            return reader.mask()


def _parse(text: str) -> ast.expr:
    if len(text) > MAX_CHARACTERS:
        raise _fault(f"it has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    if not text.strip():
        raise _fault("it is empty", todo="Write for example: net_counts > 300 and hr2 < 0")
    for sign, instead in _HINTS.items():
        if sign in text:
            raise _fault(f"“{sign}” at character {text.index(sign) + 1} is not understood", todo=f"Write {instead}")
    tidy = _TOKEN.sub(_tidy, text.translate(_SIGNS))
    lead = len(tidy) - len(tidy.lstrip())
    try:
        with warnings.catch_warnings():  # "1or" is worth a warning to Python, and not to us
            warnings.simplefilter("ignore")
            tree = ast.parse(tidy.strip(), mode="eval")
    except SyntaxError as error:
        if not error.offset:  # Python says so of an end that comes too early
            raise _fault(f"it ends too early, after “{text.strip()[-20:]}”") from error
        at = min(error.offset + lead, len(text))
        raise _fault(f"it cannot be read at “{text[at - 1 : at + 11].strip()}”, character {at}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise _fault("it cannot be read") from error
    parts, layer, depth = 0, [tree.body], 0
    while layer:
        parts, depth = parts + len(layer), depth + 1
        if parts > MAX_PARTS or depth > MAX_DEPTH:
            raise _fault("it has too many parts", todo="Select in two steps: the second with Intersect or Add")
        layer = [child for node in layer for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    _check(tree.body, text)
    return tree.body


def _tidy(found: re.Match[str]) -> str:
    quoted, word, equals = found.groups()
    if equals:
        raise _fault(f"“=” at character {found.start() + 1} does not compare", todo="Write == to compare")
    return quoted or _WORDS.get(word.lower(), word)


#: All that a query may be made of.
_ALLOWED: Final = (
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow),
    *(ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn),
    *(ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Call, ast.Load),
)


def _check(tree: ast.expr, text: str) -> None:
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            place = node if isinstance(node, ast.expr) else tree
            raise _fault(f"{_where(place, text)} is not part of the language")
        if isinstance(node, ast.Constant) and type(node.value) not in (bool, int, float, str):
            raise _fault(f"{_where(node, text)} is neither a number nor a text")
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name not in FUNCTIONS:
                raise _fault(f"{_where(node.func, text)} is not a function", todo=f"There are {', '.join(FUNCTIONS)}")
            wanted = FUNCTIONS[name].arguments
            if node.keywords or len(node.args) != wanted:
                raise _fault(f"{name} takes {wanted} value{'s' if wanted > 1 else ''}, as {FUNCTIONS[name].example}")


def _where(node: ast.expr, text: str) -> str:
    lead = len(text) - len(text.translate(_SIGNS).lstrip())
    # ast counts bytes of UTF-8; every sign that is replaced is one character, so characters match the person's text.
    tidy = text.translate(_SIGNS).strip().encode()
    start, end = (len(tidy[: at or 0].decode(errors="replace")) + lead for at in (node.col_offset, node.end_col_offset))
    word = text[start:end]
    return f"“{word if len(word) <= 40 else word[:39] + '…'}” at character {start + 1}"


def _fault(what: str, todo: str | None = None) -> OptionError:
    return OptionError(what, where="This query", todo=todo)


@dataclass(frozen=True)
class _Reader:
    """Works a parsed query out over the columns of an atlas."""

    tree: ast.expr
    text: str
    services: Services

    def mask(self) -> Mask:
        selected: Mask = np.broadcast_to(self._truth(self.tree).yes, len(self.services)).copy()
        return selected

    def _fail(self, node: ast.expr, why: str, todo: str | None = None) -> NoReturn:
        raise _fault(f"{_where(node, self.text)} {why}", todo)

    # -- conditions --------------------------------------------------------------------------------------------------
    def _truth(self, node: ast.expr) -> Truth:
        if isinstance(node, ast.BoolOp):
            both = isinstance(node.op, ast.And)
            parts = (self._truth(value) for value in node.values)
            return reduce(lambda a, b: a & b if both else a | b, parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ~self._truth(node.operand)
        if isinstance(node, ast.Compare):
            left, result = node.left, None
            for op, right in zip(node.ops, node.comparators, strict=True):
                one = self._comparison(node, left, op, right)
                result = one if result is None else result & one
                left = right
            assert result is not None
            return result
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "known":
            value = self._value(node.args[0])
            if isinstance(value, str | bool):
                self._fail(node.args[0], "is no column")
            return Truth(value.known, ~value.known)
        value = self._value(node)
        if isinstance(value, Truth):
            return value
        self._fail(node, "is a value, not a condition", "Compare it, as net_counts > 300")

    def _comparison(self, node: ast.expr, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Truth:
        a = self._value(left)
        if isinstance(op, ast.In | ast.NotIn):
            found = self._membership(a, left, right)
            return ~found if isinstance(op, ast.NotIn) else found
        b = self._value(right)
        if isinstance(a, Number) and isinstance(b, Number):
            return a.compare(COMPARISONS[type(op)], b)
        if not isinstance(op, ast.Eq | ast.NotEq):
            self._fail(node, "compares other things than numbers", "Texts take ==, != and in")
        if isinstance(a, str | bool):
            a, b, right = b, a, left
        if isinstance(a, Text) and isinstance(b, str):
            same = self._is(a, b, right)
        elif isinstance(a, Truth) and isinstance(b, bool):
            same = a if b else ~a
        else:
            self._fail(node, "compares things of different kinds", 'Write texts in quotes, as class == "AGN"')
        return ~same if isinstance(op, ast.NotEq) else same

    def _membership(self, a: Column | str | bool, left: ast.expr, right: ast.expr) -> Truth:
        if isinstance(right, ast.Tuple | ast.List):
            if not right.elts:
                self._fail(right, "is empty")
            each = [self._value(element) for element in right.elts]
            if isinstance(a, Text) and all(isinstance(one, str) for one in each):
                parts = (self._is(a, str(one), node) for one, node in zip(each, right.elts, strict=True))
                return reduce(Truth.__or__, parts)
            if isinstance(a, Number) and all(isinstance(one, Number) for one in each):
                return reduce(Truth.__or__, (a.compare("==", one) for one in each if isinstance(one, Number)))
            self._fail(right, "holds things of another kind than what stands before “in”")
        b = self._value(right)
        if isinstance(a, str) and isinstance(b, Text):
            return b.contains(a)
        self._fail(right, "is no list and no column of texts", 'Write class in ("AGN", "Quasar"), or "Crab" in name')

    def _is(self, column: Text, text: str, node: ast.expr) -> Truth:
        choices = column.choices
        if choices and text.lower() not in {choice.lower() for choice in choices}:
            self._fail(node, f"is no value of {column.name}", f"There are {', '.join(choices)}")
        return column.equal(text)

    # -- values ------------------------------------------------------------------------------------------------------
    def _value(self, node: ast.expr) -> Column | str | bool:
        if isinstance(node, ast.Constant):
            value = node.value
            if isinstance(value, str | bool):
                return value
            return Number.constant(value)  # type: ignore[arg-type]  # `_check` let only numbers and texts pass
        if isinstance(node, ast.Name):
            return self._column(node)
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            number = self._number(node.operand)
            return -number if isinstance(node.op, ast.USub) else number
        if isinstance(node, ast.BinOp):
            return self._number(node.left).reckon(type(node.op), self._number(node.right))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id != "known":
            function = FUNCTIONS[node.func.id]
            if function.takes_text:
                date = self._value(node.args[0])
                if not isinstance(date, str):
                    self._fail(node.args[0], "is no date in quotes", f"Write {function.example}")
                try:
                    return function.of_text(date)
                except ValueError:
                    self._fail(node.args[0], "is no date", f"Write {function.example}")
            return function.of_numbers(self.services, *(self._number(argument) for argument in node.args))
        if isinstance(node, ast.Tuple | ast.List):
            self._fail(node, "is a list", "Lists stand behind “in”")
        return self._truth(node)

    def _number(self, node: ast.expr) -> Number:
        value = self._value(node)
        if not isinstance(value, Number):
            self._fail(node, "is no number")
        return value

    def _column(self, node: ast.Name) -> Column:
        name = "class" if node.id == "klass" else node.id
        column = column_of(self.services, name)
        if column is None:
            names = known_names(self.services)
            near = get_close_matches(name, names, n=3, cutoff=0.6)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Columns are {', '.join(names[:_TOLD])} and so on"
            self._fail(node, "is no column", 'Texts stand in quotes, as "AGN"' if name[:1].isupper() else hint)
        return column
