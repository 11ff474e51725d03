"""Any sequence of lessons, undone and redone in any order, against a model without a database.

The model knows classes as lists of events and plays them back one by one; the library keeps tables
up to date lesson by lesson. Refusals must agree, too, and must change nothing.
"""

import copy
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.library import Library, LibraryError

NAMES = st.sampled_from(["a", "b", "c"])
KINDS = st.sampled_from(["accepted", "defect"])
PLACES = st.integers(0, 11)  # of a lesson or example among those there are
OPERATIONS = st.one_of(
    st.tuples(st.just("teach"), NAMES, st.none() | KINDS),
    st.tuples(st.just("teach"), NAMES, KINDS),
    st.tuples(st.just("forget"), NAMES),
    st.tuples(st.just("forget_example"), PLACES),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("change_kind"), NAMES, KINDS),
    st.tuples(st.sampled_from(["undo", "redo"]), st.none() | PLACES),
)


class RefusedError(Exception):
    pass


@dataclass
class Model:
    """Lessons as tuples (class, action, value); classes as the name and kind they began with."""

    lessons: list = field(default_factory=list)
    undone: list = field(default_factory=list)  # the last one undone comes last
    began: list = field(default_factory=list)
    n_examples: int = 0

    def now(self):
        """Every class as (name, kind, examples), dormant ones included."""
        found = []
        for number, (name, kind) in enumerate(self.began):
            examples = []
            for index, (owner, action, value) in enumerate(self.lessons):
                if owner != number or index in self.undone:
                    continue
                if action == "teach":
                    examples = [*examples, value]
                elif action == "forget":
                    examples = []
                elif action == "forget_example":
                    examples = [each for each in examples if each != value]
                elif action == "rename":
                    name = value
                else:
                    kind = value
            found.append((name, kind, examples))
        return found

    def active(self):
        return {number: each for number, each in enumerate(self.now()) if each[2]}

    def called(self, name):
        """The number of the active class of this name."""
        found = [number for number, each in self.active().items() if each[0] == name]
        if not found:
            raise RefusedError
        return found[0]

    def teach(self, name, kind):
        try:
            number = self.called(name)
        except RefusedError:
            if kind is None:
                raise
            same = [n for n, each in enumerate(self.now()) if each[:2] == (name, kind)]
            if not same:
                self.began.append((name, kind))
            number = same[-1] if same else len(self.began) - 1
        if kind not in (None, self.now()[number][1]):
            raise RefusedError
        self.lessons.append((number, "teach", self.n_examples))
        self.n_examples += 1

    def forget(self, name):
        self.lessons.append((self.called(name), "forget", None))

    def forget_example(self, example):
        for number, each in self.active().items():
            if example in each[2]:
                self.lessons.append((number, "forget_example", example))
                return
        raise RefusedError

    def rename(self, old, new):
        if new in [each[0] for each in self.active().values()]:
            raise RefusedError
        self.lessons.append((self.called(old), "rename", new))

    def change_kind(self, name, kind):
        number = self.called(name)
        if self.now()[number][1] == kind:
            raise RefusedError
        self.lessons.append((number, "change_kind", kind))

    def undo(self, index):
        counting = [each for each in range(len(self.lessons)) if each not in self.undone]
        if index is None and counting:
            index = counting[-1]
        if index not in counting:
            raise RefusedError
        self.undone.append(index)
        self.refuse_twins()

    def redo(self, index):
        if index is None and self.undone:
            index = self.undone[-1]
        if index not in self.undone:
            raise RefusedError
        self.undone.remove(index)
        self.refuse_twins()

    def refuse_twins(self):
        names = [each[0] for each in self.active().values()]
        if len(names) != len(set(names)):
            raise RefusedError


def follow(library, model, operation, example, identity):
    """Do the same on both; return the model, and tell whether each refused."""
    action, *arguments = operation
    trial, refused = copy.deepcopy(model), [False, False]
    try:
        getattr(trial, action)(*arguments)
    except RefusedError:
        trial, refused[0] = model, True
    if action in ("undo", "redo", "forget_example") and arguments[0] is not None:
        arguments[0] += 1  # the database counts from 1
    if action == "teach":
        arguments += [example(model.n_examples), identity]
    try:
        getattr(library, action)(*arguments)
    except LibraryError:
        refused[1] = True
    return trial, refused


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(operations=st.lists(OPERATIONS, min_size=4, max_size=14))
def test_any_sequence_of_lessons_agrees_with_the_model(operations, example, identity):
    model = Model()
    with tempfile.TemporaryDirectory() as folder, Library(Path(folder) / "l.db") as library:
        for n_changes, operation in enumerate(operations):
            revision = library.revision()
            model, refused = follow(library, model, operation, example, identity)
            assert refused[0] == refused[1], (n_changes, operation)
            assert library.revision() == revision + (not refused[0])
            expected = {
                number: (name, kind, [each + 1 for each in examples])
                for number, (name, kind, examples) in model.active().items()
            }
            owners = library.example_classes()
            found = {
                each.color: (each.name, each.kind, [e for e, c in owners.items() if c == each.id])
                for each in library.classes()
            }
            assert found == expected
            assert [each.is_undone for each in library.lessons()] == [
                index in model.undone for index in range(len(model.lessons))
            ]
