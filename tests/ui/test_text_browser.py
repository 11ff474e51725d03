"""Texts of strangers in a real browser: shown letter for letter."""

import json
from pathlib import Path

HERE = Path(__file__).parent


STRANGE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    ":red[danger] :material/delete: :smile: :streamlit:",
    "$x^2$ `code` **bold** _it_ ~~no~~",
    "# title",
    "1. one",
    "a --> b <- c",
    "https://evil.example www.evil.example someone@evil.example",
    "&lt;b&gt; &#60;i&#62; \\\\ back\\slash",
]


def test_text_of_strangers_is_shown_letter_for_letter(serve, tab, tmp_path):
    (tmp_path / "texts.json").write_text(json.dumps(STRANGE))
    app = serve(tmp_path / "texts.json", script=HERE / "plain_texts.py")
    page = tab()
    page.goto(app.url)
    page.get_by_role("button").nth(len(STRANGE) - 1).wait_for()
    main = page.get_by_test_id("stMain")
    seen = [
        text.replace("\u2060", "")
        for place in ("stMarkdown", "stButton")
        for text in main.get_by_test_id(place).all_inner_texts()
    ]
    assert seen == STRANGE * 3 or sorted(seen) == sorted(STRANGE * 3)
    for made in ("a", "img", "script", "code", "strong", "em", "h1", "ol", ".katex"):
        assert main.locator(f"[data-testid=stMarkdown] {made}").count() == 0, made
