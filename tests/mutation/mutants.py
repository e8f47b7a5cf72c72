"""Small wrong versions of a module: one operator, constant or condition changed at a time."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
SWAPPED_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "cdf": "sf", "sf": "cdf"}


@dataclass(frozen=True)
class Mutant:
    """One change: where it is, what it says, and the whole module with it."""

    function: str  # dotted name of what holds it, "" for the module itself
    line: int
    change: str  # "a < b -> a <= b"
    source: str


def mutants(source: str) -> list[Mutant]:
    """Return every mutant of a module; texts, annotations, imports, asserts and raised errors are left alone."""
    number = len(list(_sites(ast.parse(source))))
    return [_made(source, index) for index in range(number)]


@dataclass(frozen=True)
class _Site:
    function: str
    node: ast.AST
    new: ast.AST


def _made(source: str, index: int) -> Mutant:
    tree = ast.parse(source)
    site = list(_sites(tree))[index]
    change = f"{ast.unparse(site.node)} -> {ast.unparse(site.new)}"
    changed = ast.fix_missing_locations(_Replace(site).visit(tree))
    return Mutant(site.function, getattr(site.node, "lineno", 0), change, ast.unparse(changed))


class _Replace(ast.NodeTransformer):
    def __init__(self, site: _Site) -> None:
        self.site = site

    def visit(self, node: ast.AST) -> ast.AST:
        return self.site.new if node is self.site.node else self.generic_visit(node)


def _sites(node: ast.AST, function: str = "") -> Iterator[_Site]:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.Assert):
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    yield from (_Site(function, node, new) for new in _changed(node))
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_text(child):
                yield from _sites(child, function)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the wrong versions of one node."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            for index, op in enumerate(ops):
                if type(op) in COMPARISONS:
                    wrong = [*ops[:index], COMPARISONS[type(op)](), *ops[index + 1 :]]
                    yield ast.Compare(left, wrong, others)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            yield ast.BinOp(left, ARITHMETIC[type(op)](), right)
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in ARITHMETIC:
            yield ast.AugAssign(target, ARITHMETIC[type(op)](), value)
        case ast.BoolOp(op=ast.And(), values=values):
            yield ast.BoolOp(ast.Or(), values)
        case ast.BoolOp(op=ast.Or(), values=values):
            yield ast.BoolOp(ast.And(), values)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Attribute(value=value, attr=attr, ctx=ast.Load()) if attr in SWAPPED_NAMES:
            yield ast.Attribute(value, SWAPPED_NAMES[attr], ast.Load())
        case ast.Name(id=name, ctx=ast.Load()) if name in SWAPPED_NAMES:
            yield ast.Name(SWAPPED_NAMES[name], ast.Load())
        case ast.Assign(targets=[ast.Subscript()]) | ast.Expr(value=ast.Call()):
            yield ast.Pass()
