"""A model's statement, which is DuckDB's SQL, as Spark understands it.

sqlglot translates. Belongs here: what it leaves as it is or changes the meaning of, each with the
reason. Not here: how Spark is reached (spark). A model that needs something else fails on Spark, or
its table differs: the drill compares each.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.transforms import move_ctes_to_top_level

#: Gives the names of the columns of a table, by its schema and name.
Columns = Callable[[str, str], Iterable[str]]

#: Functions of DuckDB that sqlglot does not know, or knows no other word for, in Spark's words.
_FUNCTIONS = {
    "arg_min_null": "min_by({0}, {1})",
    # A function of a library that Spark brings: it has none itself.
    "lgamma": (
        "cast(reflect('org.apache.commons.math3.special.Gamma', 'logGamma', cast({0} as double)) "
        "as double)"
    ),
    "list_has_all": "size(array_except({1}, {0})) = 0",
    "list_position": "nullif(array_position({0}, {1}), 0)",
    "list_sum": "reduce({0}, cast(null as double), (a, b) -> coalesce(a + b, a, b))",
    "to_hours": "make_dt_interval(0, {0})",
    "to_months": "make_ym_interval(0, {0})",
    # Of objects without objects in them.
    "json_merge_patch": (
        "to_json(map_zip_with(from_json({0}, 'map<string,string>'), "
        "from_json({1}, 'map<string,string>'), (k, a, b) -> coalesce(b, a)))"
    ),
}

#: The median of a list, rounded as DuckDB rounds it.
_MEDIAN = (
    "transform(array(array_sort({0})), s -> "
    "get(s, (size(s) - 1) div 2) * 0.5D + get(s, size(s) div 2) * 0.5D)[0]"
)

#: An empty list of DuckDB's aggregates is null.
_LISTED = "nullif({0}, array())"


def in_spark(statement: str, columns: Columns, table: str) -> list[tuple[str, str]]:
    """Return a query of DuckDB as tables for Spark to make, each with its query.

    The last is `table`. What the query has materialized, which Spark would compute anew wherever it
    is read, comes first, as tables of names that begin so. `columns` is asked for each table read.
    """
    tree = sqlglot.parse_one(statement, read="duckdb")
    schema: dict[str, Any] = {}
    for read in tree.find_all(exp.Table):
        if read.db:
            names = columns(read.db, read.name)
            schema.setdefault(read.db, {})[read.name] = dict.fromkeys(names, "unknown")
    _name_values(tree)
    # Every star becomes its columns: Spark has no `replace` in a star and no union by name.
    tree = qualify(
        tree, schema=schema, dialect="duckdb", identify=False, quote_identifiers=False,
        validate_qualify_columns=False,
    )  # fmt: skip
    _align_unions(tree)
    _type_nulls(tree)
    _name_apart(tree)
    tree = move_ctes_to_top_level(tree)
    for select in list(tree.find_all(exp.Select)):
        _name_windows(select)
        _move_generators(select)
    for with_ in list(tree.find_all(exp.With)):
        _end_recursion(with_)
    # What stands within another comes first.
    for node in reversed(list(tree.walk())):
        found = _rewritten(node)
        if found is not node:
            node.replace(found)
    return [
        (name, query.sql("spark", unsupported_level=sqlglot.ErrorLevel.RAISE))
        for name, query in _materialized(tree, table)
    ]


def _spark(template: str, *values: exp.Expr) -> exp.Expr:
    """Return an expression of Spark, with values at the places {0}, {1}, … or {all}."""
    names = [f"_value_{place}" for place in range(len(values))]
    found = sqlglot.parse_one(template.format(*names, all=", ".join(names)), read="spark")
    given = dict(zip(names, values, strict=True))
    return found.transform(
        lambda node: (
            given[node.name].copy()
            if isinstance(node, exp.Column | exp.Identifier) and node.name in given
            else node
        )
    )


def _align_unions(tree: exp.Expr) -> None:
    """Give both sides of a union by name the same columns in the same order."""
    unions = [node for node in tree.find_all(exp.SetOperation) if node.args.get("by_name")]
    # Those within others come last: a whole side must be aligned before its union is.
    for union in reversed(unions):
        names = list(dict.fromkeys([*union.left.named_selects, *union.right.named_selects]))
        for side in (union.left, union.right):
            _order_columns(side, names)
        union.set("by_name", False)


def _order_columns(query: exp.Expr, names: list[str]) -> None:
    for select in _selects_of(query):
        have = {column.alias_or_name: column for column in select.selects}
        columns = [have.get(name) or exp.alias_(exp.Null(), name) for name in names]
        select.set("expressions", columns)


def _type_nulls(tree: exp.Expr) -> None:
    """Give a column that is null in every row a type: no file has a column without one."""
    selects = list(_selects_of(tree))
    for columns in zip(*(select.selects for select in selects), strict=True):
        if all(isinstance(column.unalias(), exp.Null) for column in columns):
            for column in columns:
                column.unalias().replace(exp.cast(exp.Null(), "text"))


def _selects_of(query: exp.Expr) -> Iterator[exp.Select]:
    query = query.unnest()
    if isinstance(query, exp.SetOperation):
        yield from _selects_of(query.left)
        yield from _selects_of(query.right)
    elif isinstance(query, exp.Select):
        yield query


def _name_apart(tree: exp.Expr) -> None:
    """Give each CTE a name of its own, and tables names that no column has.

    Spark takes `months.month` for a part of the column `months`, and sqlglot moves all CTEs to the
    beginning, where two can't have one name.
    """
    ctes = list(tree.find_all(exp.CTE))
    for scope in traverse_scope(tree):
        for table in scope.tables:
            source = scope.sources.get(table.alias_or_name)
            if isinstance(source, Scope) and not table.db:
                cte = source.expression.find_ancestor(exp.CTE)
                place = next((at for at, each in enumerate(ctes) if each is cte), None)
                if place is not None:
                    table.this.set("this", f"{table.name}_{place}")
    for place, cte in enumerate(ctes):
        alias = cte.args["alias"].this
        alias.set("this", f"{alias.name}_{place}")
    for column in tree.find_all(exp.Column):
        if column.table:
            column.args["table"].set("this", f"t_{column.table}")
    for record in list(tree.find_all(exp.TableColumn)):
        record.replace(_spark(f"struct(t_{record.name}.*)"))
    for alias in tree.find_all(exp.TableAlias):
        if not isinstance(alias.parent, exp.CTE) and alias.this:
            alias.this.set("this", f"t_{alias.this.name}")


def _name_windows(select: exp.Select) -> None:
    """Write a named window out where a frame is added to it."""
    named = {window.name: window for window in select.args.get("windows") or []}
    for window in select.find_all(exp.Window):
        if window.alias in named and window.args.get("spec"):
            whole = named[window.alias]
            window.set("alias", None)
            window.set("partition_by", [each.copy() for each in whole.args["partition_by"] or []])
            if order := whole.args.get("order"):
                window.set("order", order.copy())


def _name_values(tree: exp.Expr) -> None:
    """Give the columns of VALUES that have no names those by which DuckDB's SQL asks for them."""
    for values in tree.find_all(exp.Values):
        if not values.alias and isinstance(values.parent, exp.From | exp.Join):
            width = len(values.expressions[0].expressions)
            columns = [exp.to_identifier(f"col{place}") for place in range(width)]
            values.set("alias", exp.TableAlias(this=exp.to_identifier("listed"), columns=columns))


def _move_generators(select: exp.Select) -> None:
    """Join what unnests a list within an expression: Spark has it as a column alone."""
    for projection in select.selects:
        for generator in list(projection.find_all(exp.Unnest, exp.Explode)):
            parent = generator.parent
            is_alone = parent is select or (
                isinstance(parent, exp.Alias) and parent.parent is select
            )
            if is_alone or generator.find_ancestor(exp.Select) is not select:
                continue
            name = f"generated_{len(select.args.get('laterals') or [])}"
            generator.replace(exp.column("entry", table=name))
            value = generator.expressions[0] if generator.expressions else generator.this
            alias = exp.TableAlias(
                this=exp.to_identifier(name), columns=[exp.to_identifier("entry")]
            )
            select.append(
                "laterals", exp.Lateral(this=exp.Explode(this=value), view=True, alias=alias)
            )


def _end_recursion(with_: exp.With) -> None:
    """Let a recursive union without `all` stop at what it found before, as Spark has only `all`.

    Each row takes along the rows that led to it, and none is followed twice.
    """
    for cte in list(with_.expressions) if with_.recursive else []:
        union, name = cte.this, cte.alias
        refers = [table for table in union.find_all(exp.Table) if table.name == name]
        if not refers or not isinstance(union, exp.Union) or not union.args.get("distinct"):
            continue
        names = union.left.named_selects
        row = f"struct({', '.join(names)})"
        all_rows = f"{name}_led"
        for table in refers:
            table.this.set("this", all_rows)
            step = table.find_ancestor(exp.Select)
            step.append("expressions", exp.column("led", table=table.alias_or_name))
        first = exp.select(*names, f"array({row}) as led").from_(union.left.subquery("t_first"))
        following = (
            exp.select(*names, sqlglot.parse_one(f"array_append(led, {row})", read="spark"))
            .from_(union.right.subquery("t_next"))
            .where(sqlglot.parse_one(f"not array_contains(led, {row})", read="spark"))
        )
        led = exp.CTE(
            this=exp.union(first, following, distinct=False),
            alias=exp.TableAlias(this=exp.to_identifier(all_rows)),
        )
        cte.set("this", exp.select(*names).distinct().from_(all_rows))
        place = with_.expressions.index(cte)
        with_.set("expressions", [*with_.expressions[:place], led, *with_.expressions[place:]])


def _materialized(tree: exp.Expr, table: str) -> Iterator[tuple[str, exp.Expr]]:
    """Give each materialized CTE as a query of its own, then the rest."""
    with_ = tree.args.get("with_")
    before: list[exp.CTE] = []
    for cte in list(with_.expressions) if with_ else []:
        if not cte.args.get("materialized"):
            # Spark has no words for it: it keeps none.
            cte.set("materialized", None)
            before.append(cte)
            continue
        made = f"{table}__{cte.alias}"
        query = cte.this.copy()
        for each in before:
            query = query.with_(each.alias, each.this.copy())
        cte.pop()
        for reader in tree.find_all(exp.Table):
            if reader.name == cte.alias and not reader.db:
                reader.replace(exp.to_table(made, alias=reader.alias))
        yield made, query
    if with_ and not with_.expressions:
        tree.set("with_", None)
    yield table, tree


def _rewritten(node: exp.Expr) -> exp.Expr:
    """Return what sqlglot would leave as it is, or change the meaning of, in Spark's words."""
    if _is_aggregate(node):
        return _aggregate(node)
    match node:
        case exp.Anonymous() if node.name.lower() in _FUNCTIONS:
            return _spark(_FUNCTIONS[node.name.lower()], *node.expressions)
        case exp.Anonymous() if node.name.lower() == "row":
            return exp.Anonymous(this="struct", expressions=node.expressions)
        case exp.ArrayOverlaps():
            return _spark("arrays_overlap({0}, {1})", node.this, node.expression)
        case exp.Bracket() if (
            isinstance(node.expressions[0], exp.Literal) and node.expressions[0].is_int
        ):
            # Past the end of a list is null, no error.
            return _spark("get({0}, {1})", node.this, node.expressions[0])
        case exp.DateDiff():
            # DuckDB counts the borders between two days, not how many whole ones lie between.
            unit = node.text("unit").lower()
            template = f"datediff({unit}, date_trunc('{unit}', {{0}}), date_trunc('{unit}', {{1}}))"
            return _spark(template, node.expression, node.this)
        case exp.Div():
            # Division is never one of decimals.
            return exp.Div(this=exp.cast(node.this, "double"), expression=node.expression)
        case exp.JSONExtractScalar() if not isinstance(node.expression, exp.JSONPath):
            return _spark("get_json_object({0}, '$.' || {1})", node.this, node.expression)
        case exp.JSONObject():
            return _spark("to_json(map({all}))", *_pairs(node))
        case exp.Length():
            # `len`: models ask it of lists.
            return _spark("size({0})", node.this)
        case exp.RegexpLike():
            pattern = _pattern(node.expression)
            if flag := node.args.get("flag"):
                pattern = _spark("concat('(?', {0}, ')', {1})", flag, pattern)
            return exp.RegexpLike(this=node.this, expression=pattern)
        case exp.RegexpFullMatch():
            return _spark(
                "{0} rlike concat('^(?:', {1}, ')$')", node.this, _pattern(node.expression)
            )
        case exp.ToDays():
            return _spark("make_dt_interval({0})", node.this)
        case exp.ToMap():
            pairs = [
                part for each in node.this.expressions for part in (each.this, each.expression)
            ]
            return _spark("map({all})", *pairs)
    return node


def _pattern(pattern: exp.Expr) -> exp.Expr:
    """Return a regular expression as Java reads it: classes of characters have other names."""
    if isinstance(pattern, exp.Literal):
        return exp.Literal.string(re.sub(r"\[:(\w)(\w+):\]", _java_class, pattern.name))
    return pattern


def _java_class(found: re.Match[str]) -> str:
    return f"\\p{{{found.group(1).upper()}{found.group(2)}}}"


def _pairs(node: exp.Expr) -> list[exp.Expr]:
    """Return keys and values of an object, in turn."""
    return [part for each in node.expressions for part in (each.this, each.expression)]


#: What stands around an aggregate.
_AROUND = (exp.Window, exp.Filter, exp.IgnoreNulls)


def _is_aggregate(node: exp.Expr) -> bool:
    """Tell whether a node is an aggregate, with all that stands around it."""
    if isinstance(node.parent, _AROUND) and node.arg_key == "this":
        return False
    core = node
    while isinstance(core, _AROUND):
        core = core.this
    return isinstance(core, exp.AggFunc)


def _distinct(value: exp.Expr) -> exp.Expr:
    """Return of what an aggregate takes each value once, in an order or none."""
    distinct = value.this if isinstance(value, exp.Order) else value
    first: exp.Expr = distinct.expressions[0]
    return first


def _aggregate(node: exp.Expr) -> exp.Expr:
    """Return an aggregate as Spark computes the same."""
    core, condition, is_window = node, None, isinstance(node, exp.Window)
    while isinstance(core, _AROUND):
        if isinstance(core, exp.Filter):
            condition = core.expression.this
        core = core.this
    value = core.this
    is_distinct = isinstance(value, exp.Distinct) or (
        isinstance(value, exp.Order) and isinstance(value.this, exp.Distinct)
    )

    def within(name: str, *values: exp.Expr, around: str = "{0}") -> exp.Expr:
        """Return another aggregate at the place of this one."""
        called: exp.Expr = exp.Anonymous(this=name, expressions=list(values))
        if is_window:
            node.set("this", called)
            return _spark(around, node)
        if condition is not None:
            called = exp.Filter(this=called, expression=exp.Where(this=condition))
        return _spark(around, called)

    def when(counted: exp.Expr, asked: exp.Expr | None) -> exp.Expr:
        return counted if asked is None else exp.Case(ifs=[exp.If(this=asked, true=counted)])

    # Over a window Spark has no filter: what is not counted is null, which no aggregate counts.
    inner = condition if is_window else None
    match core:
        case exp.AnyValue():
            return within("any_value", when(value, inner), exp.true())
        case exp.ArgMin() | exp.ArgMax():
            # Rows where the value is null don't count.
            name = "min_by" if isinstance(core, exp.ArgMin) else "max_by"
            there = _spark("({0}) is not null", value)
            asked = there if inner is None else exp.and_(there, inner)
            return within(name, value, when(core.expression, asked))
        case exp.ArrayAgg() if is_distinct:
            listed = "array_sort(collected)" if isinstance(value, exp.Order) else "collected"
            around = _LISTED.replace("{0}", listed.replace("collected", "{0}"))
            return within("collect_set", when(_distinct(value), inner), around=around)
        case exp.ArrayAgg(this=exp.Order()):
            keys = [each.this for each in value.expressions]
            entries = [exp.alias_(key, f"key_{place}") for place, key in enumerate(keys)]
            row = exp.Anonymous(
                this="struct", expressions=[*entries, exp.alias_(value.this, "value")]
            )
            around = f"transform(array_sort({_LISTED}), entry -> entry.value)"
            return within("collect_list", when(row, inner), around=around)
        case exp.ArrayAgg():
            return within("collect_list", when(value, inner), around=_LISTED)
        case exp.GroupConcat() if is_distinct:
            around = f"array_join(array_sort({_LISTED}), {core.args['separator'].sql('spark')})"
            return within("collect_set", when(_distinct(value), inner), around=around)
        case exp.Median():
            number = exp.cast(value, "double")
            return within("collect_list", when(number, inner), around=_MEDIAN)
        case exp.Count() if is_distinct and is_window:
            return within("collect_set", when(value.expressions[0], inner), around="size({0})")
    if inner is not None:
        counted = exp.Literal.number(1) if isinstance(value, exp.Star) else value
        core.set("this", when(counted, inner))
        node.set("this", core)
    return node
