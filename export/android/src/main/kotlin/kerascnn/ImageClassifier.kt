// Not compiled and not run by its authors: see README.md.
package kerascnn

import android.graphics.Bitmap
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import kotlin.math.exp
import kotlin.math.floor

/** One file of a bundle in LiteRT's CompiledModel. Not for the main thread; close it after use. */
class ImageClassifier(
    private val bundle: Bundle,
    recipe: String,
    accelerator: Accelerator = Accelerator.CPU,
) : AutoCloseable {
    private val file = bundle.file(recipe).also {
        val known = setOf("float32", "int8") // what LiteRT's TensorBuffer reads and writes
        if ((listOf(it.input) + it.outputs).any { tensor -> tensor.dtype !in known }) {
            throw BundleException("${it.path} takes ${it.input.dtype}: export with --target android")
        }
    }
    private val model = CompiledModel.create(
        bundle.assets, "${bundle.folder}/${file.path}", CompiledModel.Options(accelerator),
    )
    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()

    /** Real outputs, an array for each, for pixels 0..255, row by row. */
    fun run(pixels: IntArray): List<FloatArray> {
        val tensor = file.input
        if (tensor.dtype == "float32") {
            inputs[0].writeFloat(FloatArray(pixels.size) { pixels[it].toFloat() })
        } else {
            inputs[0].writeInt8(ByteArray(pixels.size) {
                val stored = floor(pixels[it] / tensor.scale + 0.5).toInt() + tensor.zeroPoint
                stored.coerceIn(-128, 127).toByte()
            })
        }
        model.run(inputs, outputs)
        return file.outputs.mapIndexed { i, given ->
            if (given.dtype == "float32") {
                outputs[i].readFloat()
            } else {
                val stored = outputs[i].readInt8()
                FloatArray(stored.size) { ((stored[it] - given.zeroPoint) * given.scale).toFloat() }
            }
        }
    }

    /**
     * The best classes of a bitmap (ARGB_8888, upright), with their probabilities; of labels those
     * above their thresholds, of quantities all, with their values.
     */
    fun classify(bitmap: Bitmap, top: Int = 5): List<Pair<String, Float>> {
        val argb = IntArray(bitmap.width * bitmap.height)
        bitmap.getPixels(argb, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
        val image = fromArgb(argb, bitmap.width, bitmap.height, bundle.channels)
        val output = bundle.outputs[0]
        val values = run(image.fitted(bundle.height, bundle.width, bundle.rule))[0]
        if (output.kind == "quantities") return bundle.labels.zip(values.toList())
        val chances = when {
            output.isBinary -> floatArrayOf(1 - values[0], values[0])
            output.kind == "logits" -> softmax(values)
            else -> values
        }
        val limits = output.thresholds
        val order = chances.indices.sortedByDescending { chances[it] }
        val shown = if (limits == null) order.take(top) else order.filter { chances[it] > limits[it] }
        return shown.map { bundle.labels[it] to chances[it] }
    }

    private fun softmax(values: FloatArray): FloatArray {
        val largest = values.max()
        val powers = values.map { exp(it - largest) }
        val sum = powers.sum()
        return FloatArray(values.size) { powers[it] / sum }
    }

    override fun close() {
        inputs.forEach { it.close() }
        outputs.forEach { it.close() }
        model.close()
    }
}
