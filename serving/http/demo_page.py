"""The page of `fitrank demo` on the REST port, under /demo: `--demo BUNDLE`."""

from pathlib import Path

from starlette.routing import Mount

from fitrank_tf.cli.demo import load, parse
from fitrank_tf.demo.app import LOCAL_HOSTS, DemoSettings, demo_app
from fitrank_tf.export.loaded_bundle import LoadedBundle

PATH = "/demo"


def demo_page(bundle: str, bind_address: str) -> Mount:
    """Loads a bundle, beside the served models, for a page that shows its search.

    Photos are those of the catalogue that the bundle was trained on, where its name alone
    says where it is. The page writes no judgments.

    Args:
        bundle: its folder.
        bind_address: the name, beside localhost, by which browsers may call the page.

    Raises:
        FitRankError: the bundle cannot be loaded.
    """
    search, photos = load(LoadedBundle(Path(bundle)), parse(["--bundle", bundle]))
    hosts = tuple(dict.fromkeys((*LOCAL_HOSTS, bind_address)))
    return Mount(PATH, demo_app(search, photos, settings=DemoSettings(hosts)))
