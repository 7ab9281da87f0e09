"""Every embedder and extractor keeps the contract that `mnemic.testing.providers` ships."""

import numpy as np
import pytest

from mnemic.embedders.bundled import bundled
from mnemic.extractors.rules import RuleExtractor
from mnemic.protocols import Judge
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor, FakeModelExtractor, PrecomputedEmbedder
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


class TestFakeModelExtractor(ExtractorContract):
    @pytest.fixture
    def extractor(self):
        return FakeModelExtractor()

    async def test_it_judges_pairs_as_it_is_told(self, extractor):
        assert isinstance(extractor, Judge)
        assert not isinstance(FakeExtractor(), Judge)
        assert (await extractor.judge([("a", "b")]))[0] == ("different",)
        told = FakeModelExtractor(verdicts=lambda new, known: "same" if new == known else "changed")
        verdicts, usage = await told.judge([("a", "a"), ("a", "b")])
        assert (verdicts, usage.model_calls) == (("same", "changed"), 1)
        assert told.judged == [(("a", "a"), ("a", "b"))]


class TestRuleExtractor(ExtractorContract):
    @pytest.fixture
    def extractor(self):
        return RuleExtractor()
