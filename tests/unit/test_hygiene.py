"""What everything but the log sees: our own blocks cut out, secrets masked, all else as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic.hygiene import CLOSING, OPENING, Cleaned, Masked, clean

LINES = "- 2025-03-14 (5 days ago), user: “I live in Berlin”\n- undated, Dana: “She said “yes” to me”"
BLOCK = f"{OPENING}\n{LINES}\n{CLOSING}"


def html(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


# Our own blocks.


@pytest.mark.behaviour("W5")
@pytest.mark.parametrize(
    ("text", "left"),
    [
        (BLOCK, ""),
        (f"{BLOCK}\nI moved to Rome.", "I moved to Rome."),
        (f"Hello\n{BLOCK}\nI moved to Rome.", "Hello\nI moved to Rome."),
        (f"Hello {BLOCK} there", "Hello  there"),
        (BLOCK * 3, ""),
        (f"a\n{BLOCK}\nb\n{BLOCK}\nc", "a\nb\nc"),
        (f"{OPENING}\n{BLOCK}\n{LINES}\n{CLOSING}\nme", "me"),
        (BLOCK.upper() + "\nI moved", "I moved"),
        (html(BLOCK) + "\nI moved", "I moved"),
        (html(html(BLOCK)) + "\nI moved", "I moved"),
        (f"{OPENING}\n{LINES}\nWhat is my name?", "What is my name?"),
        (f"{OPENING}\n{LINES}\n- 2025-03-1", ""),
        (f"{OPENING}\n- 2025-03-14 (5 days ago), user: “I live in Ber", ""),
        (OPENING, ""),
        (OPENING[:40], ""),
        (f"```\n{BLOCK}\n```", "```\n```"),
        ("> " + BLOCK.replace("\n", "\n> ") + "\nI moved", "I moved"),
        (" ".join(BLOCK.split()), ""),
        (BLOCK.replace("\n", "\r\n"), ""),
        (BLOCK.replace("\n", "\n\n   "), ""),
        (BLOCK.replace(" note=", "\n   note = "), ""),
        (BLOCK.replace("<", "‹").replace(">", "›"), ""),
        ('{"context": "' + BLOCK.replace('"', '\\"').replace("\n", "\\n") + '"}', '{"context": ""}'),
        (LINES + "\nI moved", "I moved"),
        ("Notes:\n" + LINES.replace("- ", "* ") + "\nI moved", "Notes:\nI moved"),
        ("- 2025-03-14 (today), user: “I live in Berlin” and now in Rome", " and now in Rome"),
        ("- 2025-03-14 (in 3 weeks), user: “a 5” pipe”\nI moved", "I moved"),
        (f"{LINES}\n{CLOSING}\nI moved", "I moved"),
    ],
)  # fmt: skip
def test_a_block_of_ours_is_cut_and_the_rest_stays(text, left):
    assert clean(text).text == left
    assert clean(text).cut > 0


@pytest.mark.behaviour("W5")
@pytest.mark.parametrize(
    "text",
    [
        "<memory>the user's own</memory>",
        '<memory note="mine">the user\'s own</memory>',
        '<memory note="Recalled by the factory">a car</memory>',
        "What does </memory> mean in your prompt?",
        "- 2025-03-14: dentist\n- 2025-03-15: Dana",
        "On 2025-03-14 (5 days ago) he said “no”",
        "My memory is bad, recalled from earlier conversations.",
        "“Hello,” she said, 5 days ago",
    ],
)
def test_what_only_resembles_a_block_of_ours_stays(text):
    assert clean(text) == Cleaned(text=text)


@pytest.mark.behaviour("W5")
def test_what_was_cut_is_counted():
    assert clean(f"Hello\n{BLOCK}\nthere").cut == len(BLOCK) + 1


def test_a_marker_that_only_the_cut_puts_together_is_cut_too():
    half = len(OPENING) // 2
    assert clean(OPENING[:half] + BLOCK + OPENING[half:] + LINES + CLOSING).text == ""


@pytest.mark.behaviour("W5")
@given(st.text(st.sampled_from("ab 我。\n"), max_size=20), st.text(st.sampled_from("ab 我。\n"), max_size=20))
def test_lines_around_a_block_stay_byte_for_byte(before, after):
    assert clean(f"{before}\n{BLOCK}\n{after}").text == f"{before}\n{after}"


# Secrets.

A36 = "aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cB1dE2"
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nQyNTUxOQAAACB\n-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.behaviour("W16")
@pytest.mark.parametrize(
    ("text", "secret", "kind"),
    [
        (f"use sk-{A36} please", f"sk-{A36}", "api key"),
        (f"sk-proj-{A36}_x-{A36}", f"sk-proj-{A36}_x-{A36}", "api key"),
        (f"sk-ant-api03-{A36}", f"sk-ant-api03-{A36}", "api key"),
        (f"金鑰是sk-{A36}喔", f"sk-{A36}", "api key"),
        (f"key AIza{A36[:35]}", f"AIza{A36[:35]}", "api key"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", "api key"),
        ("ASIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "api key"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "api key"),
        (f"sk_live_{A36[:24]}", f"sk_live_{A36[:24]}", "api key"),
        (f"rk_live_{A36[:24]}", f"rk_live_{A36[:24]}", "api key"),
        ("api_key=0123456789abcdef", "0123456789abcdef", "api key"),
        ("OPENAI_API_KEY: abcd-1234-efgh", "abcd-1234-efgh", "api key"),
        ('"client_secret": "9f8e7d6c5b4a"', "9f8e7d6c5b4a", "api key"),
        ("my API key for the weather service is 77aa88bb99", "77aa88bb99", "api key"),
        ("金鑰：77aa88bb99", "77aa88bb99", "api key"),
        (f"ghp_{A36}", f"ghp_{A36}", "token"),
        (f"gho_{A36}", f"gho_{A36}", "token"),
        (f"github_pat_{A36}_{A36}", f"github_pat_{A36}_{A36}", "token"),
        (f"glpat-{A36[:20]}", f"glpat-{A36[:20]}", "token"),
        ("xoxb-123456789012-abcdefGHIJ", "xoxb-123456789012-abcdefGHIJ", "token"),
        (f"hf_{A36}", f"hf_{A36}", "token"),
        (f"npm_{A36}", f"npm_{A36}", "token"),
        (f"pypi-{A36}", f"pypi-{A36}", "token"),
        (f"123456789:AA{A36}", f"123456789:AA{A36}", "token"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIx.sig_x-9", "eyJhbGciOiJIUzI1.eyJzdWIiOiIx.sig_x-9", "token"),
        ("Authorization: Bearer abc.DEF-123456", "abc.DEF-123456", "token"),
        ("https://hooks.slack.com/services/T01/B02/abcdef123456", "T01/B02/abcdef123456", "token"),
        (PEM, "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "private key"),
        (PEM[:90], "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "private key"),
        ("postgres://bob:s3cr@t!@db.example.org/x", "s3cr@t!", "password"),
        ("password: Tr0ub4dor&3", "Tr0ub4dor&3", "password"),
        ("passwd=dragon", "dragon", "password"),
        ('{"password": "dragon", "user": "bob"}', "dragon", "password"),
        ("My password is hunter2.", "hunter2", "password"),
        ("My password is dragon.", "dragon", "password"),
        ("the wifi password at home is Blue42Sky", "Blue42Sky", "password"),
        ("I changed my password to Blue42Sky", "Blue42Sky", "password"),
        ("我的密碼是abc12345", "abc12345", "password"),
        ("密码：qwe!rty", "qwe!rty", "password"),
        ("密碼改成了 qwerty99", "qwerty99", "password"),
        ("提款卡密碼 9043", "9043", "password"),
        ("pw: hunter2", "hunter2", "password"),
        ("pass=dragon", "dragon", "password"),
        ("pwd是dragon77", "dragon77", "password"),
        ("login: bob / hunter2", "hunter2", "password"),
        ("密碼：ａｂｃ１２３４", "ａｂｃ１２３４", "password"),
        ("my PIN is 1234", "1234", "pin"),
        ("PIN碼：4821", "4821", "pin"),
        ("the verification code is 482913", "482913", "code"),
        ("驗證碼是 482913", "482913", "code"),
        ("cvv 123", "123", "card code"),
        ("4111 1111 1111 1111", "4111 1111 1111 1111", "card number"),
        ("card 5500-0055-5555-5559 ok", "5500-0055-5555-5559", "card number"),
        ("3782 822463 10005", "3782 822463 10005", "card number"),
        ("卡號6212345678901232", "6212345678901232", "card number"),
        ("我的身分證字號是A123456789", "A123456789", "id number"),
        ("身份证11010519491231002X", "11010519491231002X", "id number"),
        ("SSN 123-45-6789", "123-45-6789", "id number"),
    ],
)  # fmt: skip
def test_a_secret_is_masked_and_nothing_of_it_is_left(text, secret, kind):
    seen = clean(text)
    assert secret in text
    assert secret not in seen.text
    assert f"[masked {kind}]" in seen.text
    assert seen.masked == (Masked(kind=kind, count=1),)


@pytest.mark.behaviour("W16")
def test_only_the_secret_is_masked():
    text = "Login postgres://bob:pw1@db/x, password: hunter2 and my card 4111111111111111, thanks"
    assert clean(text) == Cleaned(
        text="Login postgres://bob:[masked password]@db/x, password: [masked password] and my card [masked card number], thanks",
        masked=(Masked(kind="card number", count=1), Masked(kind="password", count=2)),
    )


@pytest.mark.behaviour("W16")
@pytest.mark.parametrize(
    "text",
    [
        "My phone is +49 30 1234567 and 0912-345-678", "Call (555) 123-4567 or 555-123-4567", "我的電話是0912345678",
        "bob@example.org", "My birthday is 1990-05-12", "我的生日是1990年5月12日", "I live at 221B Baker Street, NW1 6XE",
        "IBAN DE89 3704 0044 0532 0130 00", "order number 1234567890123456", "訂單編號 2025031400123456",
        "commit 9fceb02c0f4e2b7d7f8a6c5b4a3928170f6e5d4c broke it", "id 550e8400-e29b-41d4-a716-446655440000",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "ISBN 978-3-16-148410-0",
        "1700000000000 is a timestamp", "1234 5678 9012 3456", "Room A123456788", "flight CI 100 on 2025-03-14",
        "I pass the exam", "You shall not pass: I stand here", "Tests: pass: 128, fail: 2", "login: see the docs / wiki",
        "My password is strong", "My password is the same everywhere", "I forgot my password again", "password: required",
        "I reset my password yesterday and it works", "Passwords: how do I pick one?", "password = ********",
        "password: ${DB_PASSWORD}", "the key point is 12345678 users", "the key to success is sleep", "token = 99",
        "The tokens cost 1500 dollars", "secret: strawberries", "My secret is that I love musicals", "a bearer of bad news 2025",
        "pin this for 2025", "a pin on the map", "My PIN code is 560001", "密碼忘了2023年設的", "密碼很長，我用1Password管理", "我忘記密碼了",
        "密碼至少要12個字", "I passed 1234 cars", "the passage: 1234 words", "http://example.org:8080/@me", "https://user@example.org/",
        "I like sk-learn and npm_config", "task-scheduler-with-a-very-long-name-2025", "desk-0123456789-abcdefghij-lamp",
        "AKIA is a prefix", "eyJust kidding", "3.14159265358979323846", "reference 110105194912310021", "+4111111111111112", "我的薪水是 4111111111111112 元",
    ],
)  # fmt: skip
def test_what_people_want_remembered_stays(text):
    assert clean(text) == Cleaned(text=text)


# Both.

FRAGMENTS = [
    OPENING, CLOSING, OPENING[:30], OPENING[30:], LINES, "- 2025-03-14 (today), ", "a: “", "”", "<mem", "ory ", "\n", "> ", " ", "```",
    "&lt;", "\\n", "sk-", A36, "ghp_", "password", ": ", " is ", "=", "[masked password]", "[masked", "]", "4111 1111 ", "1111", "-",
    "://u:", "@h", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "密碼", "是", "A123456789", "eyJ", ".", "PIN ", "1234",
    "token", "key", "I live in Berlin", "我", "undated, ", "today",
]  # fmt: skip


@pytest.mark.behaviour("W5", "W16")
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
def test_a_second_cleaning_changes_nothing(text):
    once = clean(text)
    assert clean(once.text) == Cleaned(text=once.text)


@given(st.text(st.characters()))
def test_any_text_can_be_cleaned_and_the_same_text_gives_the_same(text):
    assert clean(text) == clean(text)


HOSTILE = [
    "a", "1", "1 ", "1234 ", "-", "\n", "> ", "“", "“”", "”", "<memory ", "<memory>", "</memory>", OPENING, CLOSING, OPENING[:30],
    "- 2025-03-14 (today), user: “", "- 2025-03-14 (today), user: “a”\n", '- 2025-03-14 (today), user: "', "&lt;", "&amp;",
    "sk-", "sk-" + "a" * 30, "-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nabcd", "://a:", "://u:" + "p" * 199 + " ",
    "password ", "password is ", "my password for the router at home ", "密碼", "密碼是", "api key ", "token token ", "pin ", "PIN is ",
    "bearer ", "authorization: ", "eyJ", "eyJ" + "a" * 50 + ".", "123-45-", "4111 1111 1111 111",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_length_only(piece, grows_linearly):
    grows_linearly(clean, lambda size: (piece * (size // len(piece) + 1))[:size], small=25_000, large=200_000)


def test_markers_nested_in_markers_a_thousand_deep_are_done_with_quickly(grows_linearly):
    def nested(depth):
        text = BLOCK
        for _ in range(depth):
            text = f'<memory note{text}="Recalled from earlier conversations">'
        return text

    grows_linearly(clean, nested, small=250, large=2_000)
    once = clean(nested(1000))
    assert clean(once.text) == Cleaned(text=once.text)
