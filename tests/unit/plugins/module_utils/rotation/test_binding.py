# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The binding: only the tag says which secret a user belongs to."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.binding import check, tag_value
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import BindingError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.gateway import User
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import AWSPREVIOUS, SecretState
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, World, document

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/acmecorp/x-AbCdEf"
LONG = SECRET + "x" * 300


def user(**tags: str) -> User:
    return User("acmecorp-ai", "arn", {f"key-rotation:{name}": value for name, value in tags.items()})


def test_the_tag_is_the_arn_and_where_that_is_too_long_its_sum() -> None:
    edge = SECRET + "x" * (256 - len(SECRET))
    assert tag_value(SECRET) == SECRET
    assert tag_value(edge) == edge
    assert tag_value(edge + "x") == hashlib.sha256((edge + "x").encode()).hexdigest()


@pytest.mark.parametrize("secret", [SECRET, LONG])
def test_a_bound_user_is_given_back(secret: str) -> None:
    bound = user(secret=tag_value(secret))
    assert check(bound, "acmecorp-ai", secret) is bound


@pytest.mark.parametrize(
    ("found", "name", "words"),
    [
        (None, "acmecorp-ai", "does not exist"),
        (user(secret=SECRET), "AcmeCorp-AI", "is spelt acmecorp-ai"),
        (user(), "acmecorp-ai", "bound to no secret"),
        (user(secret=SECRET + "x"), "acmecorp-ai", "another secret"),
        (user(secret=SECRET[:-1]), "acmecorp-ai", "another secret"),
        (user(secret=""), "acmecorp-ai", "another secret"),
        (user(secret=tag_value(LONG)), "acmecorp-ai", "another secret"),
    ],
)
def test_everybody_else_is_refused(found: User | None, name: str, words: str) -> None:
    with pytest.raises(BindingError, match=words):
        check(found, name, SECRET)


ACCOUNT, OTHER = "acmecorp-ai", "ecr-deployments"


def state(world: World) -> str:
    """Everything that a function could change, but the journal."""
    return repr((world.secrets.secrets, world.iam.users, world.scheduler.schedules, world.ses.mails))


def refused(world: World, secret: SecretState, token: str) -> None:
    """Both steps that change something are refused, and nothing is changed."""
    before = state(world)
    for step in ("createSecret", "finishSecret"):
        with pytest.raises(BindingError):
            world.step(secret, token, step)
    assert state(world) == before


@pytest.mark.parametrize("placeholder", [False, True])
def test_a_foreign_secret_that_names_an_enrolled_user_gets_nothing(placeholder: bool) -> None:
    """Somebody who may write some secret lets our function rotate it, with the victim's document in it."""
    world = World()
    secret, old = world.enrol(ACCOUNT)
    world.rotate(secret)
    world.core.sleep(3600)
    foreign = world.secrets.add("/somebody/else", document(ACCOUNT, None) if placeholder else secret.text())
    token = world.secrets.start_rotation(foreign)
    refused(world, foreign, token)
    foreign.versions[token].text = secret.text(AWSPREVIOUS)
    refused(world, foreign, token)
    world.core.sleep(48 * 3600)
    before = state(world)
    with pytest.raises(BindingError):
        world.retire(foreign, old.key_id)
    assert state(world) == before
    assert world.retire(secret, old.key_id) == "retired"


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_user_name_changed_to_another_enrolled_user_gets_nothing(done: int) -> None:
    """A person edits USER_NAME when so many steps are done."""
    world = World()
    secret, _ = world.enrol(ACCOUNT)
    world.enrol(OTHER)
    token = world.secrets.start_rotation(secret)
    for step in STEPS[:done]:
        world.step(secret, token, step)
    world.secrets.put_by_hand(secret, (secret.text() or "").replace(f'"{ACCOUNT}"', f'"{OTHER}"'))
    edited = secret.text()
    refused(world, secret, token)
    assert secret.text() == edited
    assert len(world.iam.keys(OTHER)) == 1
    assert all(key.active for user in (ACCOUNT, OTHER) for key in world.iam.keys(user))


def test_of_two_secrets_with_one_user_the_bound_one_alone_rotates() -> None:
    world = World()
    secret, _ = world.enrol(ACCOUNT)
    twin = world.secrets.add("/twin", secret.text())
    refused(world, twin, world.secrets.start_rotation(twin))
    world.rotate(secret)
    assert len(world.iam.keys(ACCOUNT)) == 2
    refused(world, twin, twin.labels["AWSPENDING"])


@pytest.mark.parametrize("done", [0, 1, 3])
def test_a_user_made_again_under_the_same_name_is_left_alone(done: int) -> None:
    """A person deletes the user when so many steps are done, and makes another of that name, with a key."""
    world = World()
    secret, old = world.enrol(ACCOUNT)
    world.rotate(secret)
    world.advance(85 * 24)
    token = world.secrets.start_rotation(secret)
    for step in STEPS[:done]:
        world.step(secret, token, step)
    del world.iam.users[ACCOUNT]
    world.iam.add_user(ACCOUNT)
    world.iam.add_key(ACCOUNT)
    refused(world, secret, token)
    with pytest.raises(BindingError):
        world.retire(secret, old.key_id)
    assert [key.active for key in world.iam.keys(ACCOUNT)] == [True]
