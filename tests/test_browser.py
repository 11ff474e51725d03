"""Do the pages work where they are read: in a browser, without a network?"""

import re
import shutil
import subprocess

import numpy as np
import pytest

from engine import Inspector, config
from engine.rendering.html_report import explain_page
from engine.synthetic.scenes import render

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

# Writes into the page what a reader would see of its pictures.
WITNESS = """
<script>
addEventListener("load", () => {
  const pictures = [...document.images];
  const broken = pictures.filter(picture => picture.naturalWidth === 0).length;
  const wide = document.documentElement.scrollWidth > window.innerWidth;
  document.title = `pictures ${pictures.length} broken ${broken} wide ${wide}`;
});
</script>
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report on two images of a rendered product."""
    images = [render("cable", np.random.default_rng(seed)).image for seed in range(3)]
    inspector = Inspector(config.from_dict({"working_area_px": 16384})).fit(images[:2])
    items = [(f"{name}.png", image, inspector.inspect(image)) for name, image in enumerate(images)]
    path = tmp_path_factory.mktemp("page") / "report.html"
    html = explain_page(items, inspector.fitted.references, inspector.fitted.class_names)
    html = html.replace(' loading="lazy"', "").replace("</body>", f"{WITNESS}</body>")
    path.write_text(html, encoding="utf-8")
    return path


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [400, 1280])
def test_a_report_opens_without_a_network(page, tmp_path, width):
    opened = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",  # which root may not have
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr",
            f"--window-size={width},900",
            "--virtual-time-budget=10000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert opened.returncode == 0, opened.stderr
    (seen,) = re.findall(r"<title>pictures (\d+) broken (\d+) wide (\w+)</title>", opened.stdout)
    assert int(seen[0]) == page.read_text(encoding="utf-8").count("<img ") > 0
    assert seen[1:] == ("0", "false")
    assert "CONSOLE" not in opened.stderr  # where scripts and missing files complain
