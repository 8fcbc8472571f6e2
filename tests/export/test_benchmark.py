"""Timing files: what is counted, not how fast this machine is."""

import pytest

from kerascnn.errors import BundleError, InputError
from kerascnn.export.runtime.any_inputs import AnyFile
from kerascnn.export.runtime.benchmark import benchmark_tflite, compare, cpu_name


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
    run = AnyFile.run
    monkeypatch.setattr(AnyFile, "run", lambda self: (order.append(self.source), run(self)))
    compare([float_file, int8_file], runs=3, warmup=1)
    assert order == [str(float_file), str(int8_file)] * 4


def test_files_of_any_inputs_and_outputs_are_timed():
    """Two inputs that are no images, three outputs: what no predictor takes."""
    import tensorflow as tf

    spec = [tf.TensorSpec((1, 16), tf.float32), tf.TensorSpec((1, 3), tf.int32)]

    @tf.function(input_signature=spec)
    def look_up(weights, places):
        table = tf.reshape(tf.range(20.0), (20, 1))
        return tf.gather(table, places), tf.reduce_sum(weights, 1), weights > 0

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [look_up.get_concrete_function()], look_up
    )
    assert benchmark_tflite(converter.convert(), runs=2, warmup=0).runs == 2


def test_ratios_are_medians_over_the_first_median(float_file, int8_file):
    comparison = compare([float_file, int8_file, float_file], runs=5)
    medians = [result.median_ms for result in comparison.results]
    assert comparison.ratios == tuple(median / medians[0] for median in medians)
    assert comparison.ratios[0] == 1.0


@pytest.mark.parametrize(
    "option",
    [{"runs": 0}, {"runs": 2.5}, {"threads": 0}, {"threads": 10**11}, {"warmup": -1}],
)
def test_numbers_out_of_range_are_refused(float_file, option):
    with pytest.raises(InputError, match=f"`{next(iter(option))}` must be a whole number"):
        benchmark_tflite(float_file, **option)


def test_comparing_nothing_is_refused():
    with pytest.raises(InputError, match="nothing to compare"):
        compare([])


def test_damaged_file_is_refused(float_file, tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes(float_file.read_bytes()[:3000])
    with pytest.raises(BundleError, match="damaged"):
        benchmark_tflite(path)
