"""Which names are those of production."""

from __future__ import annotations

import pytest

from shared.model.thresholds import DEFAULTS, Thresholds
from shared.posture.checks import is_production


@pytest.mark.parametrize(
    "name", ["prod", "Production", "shop-prod-weu", "shop_prd", "ShopProd", "live", "PROD2", "azure prod"]
)
def test_of_production(name: str) -> None:
    assert is_production(name, DEFAULTS)


@pytest.mark.parametrize("name", ["preprod", "nonprod", "test", "delivery", "reproduction", "olive", ""])
def test_not_of_production(name: str) -> None:
    assert not is_production(name, DEFAULTS)


def test_the_words_are_a_setting() -> None:
    assert is_production("p-weu", Thresholds(production_names=("p",)))
