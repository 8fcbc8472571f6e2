"""Timing files: what is counted, not how fast this machine is."""

import pytest

from kerascnn.errors import BundleError, InputError
from kerascnn.export.benchmark import benchmark_tflite, compare, cpu_name
from kerascnn.export.interpreter import TFLiteModel


@pytest.mark.parametrize("name", ["float_file", "int8_file", "grey_int8_file"])
def test_quantiles_are_positive_and_in_order(name, request):
    result = benchmark_tflite(request.getfixturevalue(name), runs=20, warmup=1)
    assert 0 < result.min_ms <= result.p10_ms <= result.median_ms <= result.p90_ms
    assert (result.runs, result.threads, result.delegate) == (20, 1, True)
    assert result.cpu == cpu_name() != ""


def test_options_reach_the_result(float_file):
    result = benchmark_tflite(float_file, runs=1, warmup=0, threads=2, delegate=False)
    assert (result.runs, result.threads, result.delegate) == (1, 2, False)
    assert result.min_ms == result.p90_ms


def test_files_are_run_in_turn(float_file, int8_file, monkeypatch):
    order = []
    run = TFLiteModel.run
    monkeypatch.setattr(
        TFLiteModel, "run", lambda self, array: (order.append(self.input.dtype), run(self, array))
    )
    compare([float_file, int8_file], runs=3, warmup=1)
    assert order == ["float32", "int8"] * 4


def test_ratios_are_medians_over_the_first_median(float_file, int8_file):
    comparison = compare([float_file, int8_file, float_file], runs=5)
    medians = [result.median_ms for result in comparison.results]
    assert comparison.ratios == tuple(median / medians[0] for median in medians)
    assert comparison.ratios[0] == 1.0


@pytest.mark.parametrize("option", [{"runs": 0}, {"threads": 0}, {"warmup": -1}])
def test_numbers_out_of_range_are_refused(float_file, option):
    with pytest.raises(InputError, match=f"`{next(iter(option))}` must be at least"):
        benchmark_tflite(float_file, **option)


def test_comparing_nothing_is_refused():
    with pytest.raises(InputError, match="nothing to compare"):
        compare([])


def test_damaged_file_is_refused(float_file, tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes(float_file.read_bytes()[:3000])
    with pytest.raises(BundleError, match="damaged"):
        benchmark_tflite(path)
