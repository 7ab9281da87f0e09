"""Every embedder and extractor keeps the contract that `mnemic.testing.providers` ships."""

import numpy as np
import pytest

from mnemic.embedders.bundled import bundled
from mnemic.extractors.rules import RuleExtractor
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor, PrecomputedEmbedder
from mnemic.testing.providers import EmbedderContract, ExtractorContract


class TestFakeEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self):
        return FakeEmbedder()


class TestPrecomputedEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self):
        def missing(text):
            vector = np.random.default_rng(len(text)).standard_normal(8)
            return (vector / np.linalg.norm(vector)).astype(np.float32)

        return PrecomputedEmbedder({}, name="recorded:8", missing=missing)


class TestBundledEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self):
        return bundled()


@pytest.mark.slow
class TestSecondBundledEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self):
        return bundled("use")


class TestFakeExtractor(ExtractorContract):
    @pytest.fixture
    def extractor(self):
        return FakeExtractor()


class TestRuleExtractor(ExtractorContract):
    @pytest.fixture
    def extractor(self):
        return RuleExtractor()
