// Not compiled and not run by its authors: see README.md.
package kerascnn

import com.google.ai.edge.litert.Accelerator
import kotlin.math.abs
import kotlin.math.max

data class SelfTestResult(
    val recipe: String, val passed: Boolean, val largest: Double, val mean: Double, val agreement: Double,
)

/** Replays the golden inputs through every file: does this device compute what Keras computed? */
fun selfTest(bundle: Bundle, accelerator: Accelerator = Accelerator.CPU): List<SelfTestResult> {
    val golden = bundle.golden()
    val classes = bundle.labels.size
    val size = golden.inputs.size / golden.count
    return bundle.files.map { file ->
        var largest = 0.0
        var sum = 0.0
        var agreeing = 0
        var numbers = true
        ImageClassifier(bundle, file.recipe, accelerator).use { classifier ->
            for (i in 0 until golden.count) {
                val found = classifier.run(IntArray(size) { golden.inputs[i * size + it].toInt() and 255 })
                val expected = golden.outputs.copyOfRange(i * classes, (i + 1) * classes)
                for (k in 0 until classes) {
                    val difference = abs(found[k] - expected[k]).toDouble()
                    numbers = numbers && !difference.isNaN()
                    largest = max(largest, difference)
                    sum += difference
                }
                val top = expected.indices.maxBy { expected[it] }
                if (found[top] == found.max()) agreeing += 1 // a tie agrees
            }
        }
        val mean = sum / golden.outputs.size
        val agreement = agreeing.toDouble() / golden.count
        val limits = file.limits
        val passed = numbers && largest <= limits.maxAbs && mean <= limits.meanAbs &&
            agreement >= limits.top1Agreement
        SelfTestResult(file.recipe, passed, largest, mean, agreement)
    }
}
