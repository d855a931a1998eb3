"""The report of the study of stereotypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from limn.audit.group_shares import GroupShare
from limn.audit.report.parts import Bars, Figure, Figures, Listing, Part, Report, Section, by_name
from limn.audit.report.words import plain
from limn.audit.statistics.estimate import Estimate, Share
from limn.audit.studies.stereotypes.measures import ConceptShares, NearestPlace
from limn.audit.table import Account, Table
from limn.data.paraphrase import article

QUESTION = (
    "As whom does the model represent people when the prompt does not say it, and is that more one-sided than a "
    "reference, and than the training captions that do not say it either?"
)
CAVEATS = (
    "It is counted as whom pictures represent somebody, as a reader sees it; nobody is identified.",
    "No reference is neutral: labour statistics describe one country and year and prescribe nothing; titles of "
    "prompts do not map one to one to their rows.",
    "The share among captions that do not say it is what a faithful model draws for such a prompt; that makes it "
    "faithful, not fair.",
)
AXIS = "share of pictures"
MARK = (
    "Shares of readable pictures, corrected where the reader's errors were counted. The mark is the share among "
    "training captions that do not say it; where none is known, the reference. A reference that counts some values "
    "only, as labour statistics count women and men, stands beside the share among these: pictures of others are "
    "left out there. p is corrected after Benjamini and Hochberg."
)
PLURAL = {"woman": "women", "man": "men", "person": "nobody of a gender"}
TRAINED = "in training captions that do not say it"
PICTURES = "pictures of one prompt"
PERSISTS = "share of the stereotype with the counter-prompt over the share without; 1 changes nothing"
SLOPE = "slope of log odds: 1 copies, above amplifies, below flattens"


def report(
    table: Table,
    field: str,
    value: str,
    *,
    occupations: Sequence[ConceptShares],
    traits: Sequence[ConceptShares],
    persistence: Mapping[str, Mapping[str, tuple[Estimate, Account]]],
    places: Mapping[str, Sequence[NearestPlace]],
    space: str,
    base: float | None = None,
    notes: Sequence[str] = (),
    reference: str = "in the reference",
    kind: str = "professions",
) -> Report:
    """Tell what was estimated.

    Args:
        table: All rows.
        field: What was read.
        value: What was counted.
        occupations: Shares of each model; none where occupations were not asked for.
        traits: The same of traits.
        persistence: By model and concept, from :func:`~limn.audit.studies.stereotypes.measures.persisting`.
        places: Nearest places by model; none where things were not asked for.
        space: Encoder in which places were compared.
        base: Share of the value in the whole reference, by which exaggeration is told; None for none.
        notes: Further findings.
        reference: Where the reference shows whom it shows, in words.
        kind: What the concepts of the first part are.
    """
    lines = [f"{shares.model}: {line}" for shares in occupations for line in findings(shares, value)]
    sections = _people(table.of(part="occupations"), occupations, field, value, base) if occupations else []
    described = by_name(row for shares in traits for row in figures(shares, "traits"))
    if described:
        part = Figures(title=f"Represented as {value}", rows=described, axis=AXIS, unit=PICTURES, field=field)
        sections.append(Section(title="Traits", parts=(part,)))
    persists = by_name(
        Figure.of(name, share, account, model=model, where=_denied(name, model))
        for model, rows in persistence.items()
        for name, (share, account) in rows.items()
    )
    if persists:
        lines += [
            f"{row.model}: {row.value:.0%} of the stereotypes persist when denied"
            for row in persists
            if row.name == "all" and row.value is not None
        ]
        sections.append(Section(title="Counter-prompts", parts=(_persistence(persists, field),)))
    if places:
        sections.append(Section(title="Places", parts=tuple(_places(*row, space) for row in places.items())))
    tested = [(shares.model, shares.tests()) for shares in occupations]
    asked = [(kind, one) for one in occupations] + [("traits", one) for one in traits]
    answers = [told(one, value, reference, what) for what, one in asked]
    return Report(
        title="Stereotypes",
        question=QUESTION,
        summary=tuple(filter(None, answers)),
        findings=(*lines, *notes),
        sections=tuple(sections),
        caveats=CAVEATS,
        papers=("bianchi2023easily", "seshadri2023bias"),
        tests="; ".join(
            f"{model}: {tests.how}, over pictures of each concept" for model, tests in tested if any(tests.p)
        ),
    )


def _persistence(rows: tuple[Figure, ...], field: str) -> Figures:
    """Return what counter-prompts leave of stereotypes."""
    return Figures(title="Persistence", rows=rows, axis=PERSISTS, percent=False, zero=1, unit=PICTURES, field=field)


def told(shares: ConceptShares, value: str, reference: str, kind: str) -> str:
    """Say in plain words what came out of one model."""
    if not shares.shares:
        return ""
    many = PLURAL.get(value, value)
    if len(shares.shares) == 1:
        only = shares.shares[0]
        return f"Asked for {article(only.name)}, {shares.model} shows {many} in {plain(only.behind)}."
    sentences = []
    below, above, unsure = shares.apart()
    if known := below + above + unsure:
        where = TRAINED if shares.marks is shares.trained else reference
        more = len(shares.shares) - known
        unknown = f" There is nothing of the kind to compare {more} others with." if more else ""
        sentences.append(
            f"Of {known} {kind}, {shares.model} draws {below or 'none'} as {many} less often than {where}, "
            f"{above or 'none'} more often; for {unsure} the pictures do not tell.{unknown}"
        )
    mean = shares.mean().as_a(Share)
    sentences += [f"On average {shares.model} shows {many} in {plain(mean)}."] if mean.estimable else []
    return " ".join(sentences)


def findings(shares: ConceptShares, value: str) -> list[str]:
    """Say what came out of one model, a sentence each."""
    many = len(shares.shares)
    if many == 1:
        only, mark = shares.shares[0], shares.trained[0]
        trained = "" if mark is None else f"; among training captions that do not say it {mark:.3f}"
        return [f"{only.name} represented as {value}: {only.behind}{trained}"]
    lines = [f"represented as {value}, mean over {many} concepts: {shares.mean()}"]
    if any(mark is not None for mark in shares.trained):
        tests = shares.tests()
        lines.append(
            f"less the training captions that do not say it: {shares.beyond(shares.trained)}; less all training "
            f"captions: {shares.beyond(shares.named)}; {sum(tests.rejected)} of {tests.tests} concepts differ "
            "from the former"
        )
    if any(mark is not None for mark in shares.reference):
        slope, among = shares.slope(shares.reference), _among(shares)
        lines.append(f"slope of log odds on the reference{among} (1 copies, above 1 amplifies): {slope}")
    return lines


def figures(shares: ConceptShares, part: str = "occupations") -> list[Figure]:
    """Return a line for each concept, its mark the training share if known, else the reference."""
    rows = zip(shares.shares, shares.alike, shares.trained, shares.reference, shares.tests().p, strict=True)
    return [
        Figure.of(
            share.name, share.behind, share.account, model=shares.model, reference=mark, p=p,
            note=_note(share, shares.among),
            where={"model": shares.model, "part": part, "concept": share.name},
        )
        for every, alike, trained, reference, p in rows
        for share, mark in [(alike, reference) if trained is None and reference is not None else (every, trained)]
    ]  # fmt: skip


def against(shares: ConceptShares, base: float | None) -> list[Figure]:
    """Return mean differences to every reference."""
    rows = {
        "less unmarked training captions": (shares.trained, None),
        "less all training captions": (shares.named, None),
        "less the reference": (shares.reference, None),
        **({} if base is None else {"exaggeration of the reference": (shares.reference, base)}),
    }
    estimates = ((name, marks, shares.beyond(marks, side)) for name, (marks, side) in rows.items())
    return [
        Figure.of(
            name, estimate, shares.pictures(marks), model=shares.model, n=f"{len(shares.beside(marks))} concepts",
            where={"model": shares.model, "part": "occupations"},
        )
        for name, marks, estimate in estimates
        if estimate.n
    ]  # fmt: skip


def _denied(name: str, model: str) -> dict[str, str]:
    """Return which pictures a counter-prompt gave."""
    concept, _, value = name.partition(": ")
    return {"model": model, "part": "counter"} | ({"concept": concept} if value else {})


def _among(shares: ConceptShares) -> str:
    return f", among {' and '.join(shares.among)}" if shares.among else ""


def _note(share: GroupShare, among: Sequence[str]) -> str:
    """Return what was read, where it was corrected, and of how many where not all values count."""
    corrected = share.behind is not share.read and share.read.value is not None
    return "; ".join(
        filter(None, (
            f"as read {100 * (share.read.value or 0):.1f} %" if corrected else "",
            f"among {share.n} of {' and '.join(among)}" if share.n < share.account.readable else "",
        ))
    )  # fmt: skip


def _people(
    table: Table, models: Sequence[ConceptShares], field: str, value: str, base: float | None
) -> list[Section]:
    """Return the sections about who is drawn."""
    tables = {
        shares.model: {share.name: table.of(model=shares.model, concept=share.name) for share in shares.shares}
        for shares in models
    }
    rows = by_name(row for shares in models for row in figures(shares, "occupations"))
    drawn = Figures(
        title=f"Represented as {value}", rows=rows, axis=AXIS, bounds=(0, 1), note=MARK, unit=PICTURES, field=field
    )
    bars = [
        Bars(
            title=f"{model}: all values of {field}, as read",
            groups={name: part.shares(field) for name, part in parts.items()},
        )
        for model, parts in tables.items()
    ]
    differences = by_name(row for shares in models for row in against(shares, base))
    slopes = by_name(
        Figure.of(name, shares.slope(marks), model=shares.model)
        for shares in models
        for name, marks in (("on unmarked captions", shares.trained), ("on the reference", shares.reference))
        if any(mark is not None for mark in marks)
    )
    compared: list[Part] = []
    if differences:
        axis = "difference of shares"
        compared.append(
            Figures(title="Mean difference", rows=differences, axis=axis, zero=0, unit="concepts", field=field)
        )
    if slopes:
        unit = "pictures, and concepts where these scatter more than pictures would,"
        compared.append(Figures(title="Slopes", rows=slopes, axis=SLOPE, percent=False, zero=1, unit=unit))
    return [
        Section(title="Who is drawn", parts=(drawn, *bars)),
        *([Section(title="Against references", parts=tuple(compared))] if compared else []),
    ]


def _places(model: str, places: Sequence[NearestPlace], space: str) -> Listing:
    """Return the place that unmarked pictures of each thing are nearest to."""
    rows = tuple(
        (model, row.thing, row.pictures, None, None, "needs two pictures of each place")
        if row.place is None or row.distance is None
        else (
            model, row.thing, row.pictures, row.place, round(row.distance, 4),
            f"no, {row.rival} may be nearer" if row.rival else "yes",
        )
        for row in places
    )  # fmt: skip
    columns = ("model", "thing", "pictures", "nearest place", "squared MMD", "told from the next")
    note = f"Space: {space or 'colours of a coarse grid'}."
    return Listing(title="Place of unmarked pictures", columns=columns, rows=rows, note=note)
