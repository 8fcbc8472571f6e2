// Not compiled and not run by its authors: see README.md.
package kerascnn

import com.google.ai.edge.litert.Accelerator
import kotlin.math.abs
import kotlin.math.max

/** What one output of a file gave; `agreement` is null for quantities. */
data class SelfTestResult(
    val recipe: String, val role: String, val passed: Boolean, val largest: Double, val mean: Double,
    val agreement: Double?,
)

/** Replays the golden inputs through every file: does this device compute what Keras computed? */
fun selfTest(bundle: Bundle, accelerator: Accelerator = Accelerator.CPU): List<SelfTestResult> {
    val golden = bundle.golden()
    val size = golden.inputs.size / golden.count
    return bundle.files.flatMap { file ->
        val answers = ImageClassifier(bundle, file.recipe, accelerator).use { classifier ->
            List(golden.count) { i ->
                classifier.run(IntArray(size) { golden.inputs[i * size + it].toInt() and 255 })
            }
        }
        bundle.outputs.mapIndexed { place, output ->
            judge(file, output, file.limits[place], answers.map { it[place] }, golden.outputs[place])
        }
    }
}

private fun judge(
    file: ModelFile, output: Output, limits: Limits, answers: List<FloatArray>, golden: FloatArray,
): SelfTestResult {
    val units = output.ranges?.map { (low, high) ->
        max(max(high - low, 0.01 * max(abs(low), abs(high))), 1e-6)
    }
    var largest = 0.0
    var sum = 0.0
    var agreeing = 0.0
    var numbers = true
    answers.forEachIndexed { i, found ->
        val expected = golden.copyOfRange(i * output.size, (i + 1) * output.size)
        for (k in found.indices) {
            val unit = units?.let { it[k % it.size] } ?: 1.0
            val difference = abs(found[k] - expected[k]) / unit
            numbers = numbers && !difference.isNaN()
            largest = max(largest, difference)
            sum += difference
        }
        agreeing += agreement(output, found, expected) ?: 0.0
    }
    val mean = sum / golden.size
    val agreement = if (limits.agreement == null) null else agreeing / answers.size
    val passed = numbers && largest <= limits.maxAbs && mean <= limits.meanAbs &&
        (agreement == null || agreement >= limits.agreement!!)
    return SelfTestResult(file.recipe, output.role, passed, largest, mean, agreement)
}

/** The share of one image's answers that are alike; null for quantities. */
private fun agreement(output: Output, found: FloatArray, expected: FloatArray): Double? {
    if (output.kind == "quantities") return null
    val last = output.shape.last()
    val limits = output.thresholds
    if (limits != null || output.isBinary) { // of two classes a tie agrees
        val alike = expected.indices.count { k ->
            val limit = limits?.get(k % last) ?: 0.5
            (found[k] > limit) == (expected[k] > limit) || (limits == null && found[k] == 0.5f)
        }
        return alike.toDouble() / expected.size
    }
    val rows = expected.size / last
    val alike = (0 until rows).count { row ->
        val places = row * last until (row + 1) * last
        val top = places.maxBy { expected[it] }
        found[top] == places.maxOf { found[it] } // a tie agrees
    }
    return alike.toDouble() / rows
}
