// Not compiled and not run by its authors: see README.md.
package kerascnn

import android.content.res.AssetManager
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest
import java.util.zip.ZipInputStream
import org.json.JSONArray
import org.json.JSONObject

class BundleException(message: String) : Exception(message)

/** A tensor of one file: real value = (stored - zeroPoint) * scale; float32 has neither. */
data class Tensor(val dtype: String, val scale: Double, val zeroPoint: Int)

data class Limits(val maxAbs: Double, val meanAbs: Double, val top1Agreement: Double)

data class ModelFile(
    val recipe: String, val path: String, val input: Tensor, val output: Tensor, val limits: Limits,
)

/** Golden inputs, a byte per value, and the Keras model's outputs for them. */
class Golden(val count: Int, val inputs: ByteArray, val outputs: FloatArray)

/** A kerascnn bundle (schema version 1) in the app's assets, its files checked. */
class Bundle private constructor(
    val assets: AssetManager,
    val folder: String,
    val height: Int,
    val width: Int,
    val channels: Int,
    val rule: ResizeRule,
    val labels: List<String>,
    val givesLogits: Boolean,
    val files: List<ModelFile>,
    private val goldenPath: String,
    private val goldenCount: Int,
) {
    fun file(recipe: String): ModelFile = files.firstOrNull { it.recipe == recipe }
        ?: throw BundleException("no recipe $recipe in the bundle; it has ${files.map { it.recipe }}")

    fun golden(): Golden {
        val arrays = HashMap<String, ByteArray>()
        ZipInputStream(assets.open("$folder/$goldenPath")).use { zip ->
            while (true) arrays[(zip.nextEntry ?: break).name] = zip.readBytes()
        }
        val inputs = npyData(arrays["inputs.npy"], "|u1")
        val raw = npyData(arrays["outputs.npy"], "<f4")
        val outputs = FloatArray(raw.size / 4)
        ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(outputs)
        if (inputs.size != goldenCount * height * width * channels ||
            outputs.size != goldenCount * labels.size
        ) throw BundleException("$goldenPath does not hold what the manifest says")
        return Golden(goldenCount, inputs, outputs)
    }

    private fun npyData(bytes: ByteArray?, kind: String): ByteArray {
        if (bytes == null || bytes.size < 12) throw BundleException("$goldenPath lacks an array")
        val buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)
        val wide = bytes[6] > 1
        val start = if (wide) 12 + buffer.getInt(8) else 10 + (buffer.getShort(8).toInt() and 0xffff)
        val header = String(bytes, 0, start, Charsets.ISO_8859_1)
        if ("'$kind'" !in header || "'fortran_order': False" !in header) {
            throw BundleException("$goldenPath holds an array of an unexpected kind")
        }
        return bytes.copyOfRange(start, bytes.size)
    }

    companion object {
        private val NAME = Regex("[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")

        /** Reads a manifest strictly: whatever it says that this kit does not know is an error. */
        fun open(assets: AssetManager, folder: String): Bundle {
            val text = assets.open("$folder/manifest.json").use { it.readBytes().decodeToString() }
            val manifest = JSONObject(text)
            val version = manifest.getInt("schema_version")
            if (version != 1) throw BundleException("schema $version: this kit reads 1")
            manifest.has("schema_version", "versions", "model", "input", "output", "labels", "golden",
                "files", "reports")
            val model = manifest.getJSONObject("model").has("name", "task", "classes", "parameters")
            val input = manifest.getJSONObject("input").has("shape", "layout", "color", "range", "resize")
            val output = manifest.getJSONObject("output").has("shape", "kind")
            val resize = input.getJSONObject("resize").has("fit", "filter", "antialias", "pad_value")
            val shape = input.getJSONArray("shape")
            val classes = model.getInt("classes")
            require(model.getString("task") == "image-classification") { "another task" }
            require(input.getString("layout") == "NHWC" && shape.getInt(0) == 1) { "another layout" }
            require(input.getJSONArray("range").toString() == "[0,255]") { "another range of pixels" }
            require(output.getJSONArray("shape").toString() == "[1,$classes]") { "another output" }
            require(shape.getInt(3) == if (input.getString("color") == "rgb") 3 else 1) { "colour" }
            require(resize.getString("fit") in setOf("stretch", "crop", "pad")) { "another fit" }
            require(resize.getString("filter") == "bilinear" && resize.getBoolean("antialias")) { "filter" }
            require(output.getString("kind") in setOf("probabilities", "logits")) { "output kind" }
            val files = manifest.getJSONArray("files").objects().map { file ->
                file.has("recipe", "path", "bytes", "sha256", "input", "output", "tolerance")
                checked(assets, folder, file)
                val limits = file.getJSONObject("tolerance").has("max_abs", "mean_abs", "top1_agreement")
                ModelFile(
                    file.getString("recipe"), file.getString("path"),
                    tensor(file.getJSONObject("input")), tensor(file.getJSONObject("output")),
                    Limits(limits.getDouble("max_abs"), limits.getDouble("mean_abs"),
                        limits.getDouble("top1_agreement")),
                )
            }
            val golden = manifest.getJSONObject("golden").has("path", "sha256", "count")
            checked(assets, folder, golden)
            val labels = checked(assets, folder, manifest.getJSONObject("labels").has("path", "sha256"))
                .decodeToString().removeSuffix("\n").split("\n")
            require(labels.size == classes) { "${labels.size} labels for $classes classes" }
            return Bundle(
                assets, folder, shape.getInt(1), shape.getInt(2), shape.getInt(3),
                ResizeRule(resize.getString("fit"), resize.getInt("pad_value")), labels,
                output.getString("kind") == "logits", files, golden.getString("path"),
                golden.getInt("count"),
            )
        }

        private fun JSONObject.has(vararg names: String): JSONObject {
            val found = keys().asSequence().toSet()
            if (found != names.toSet()) throw BundleException("manifest.json: keys $found, not ${names.toSet()}")
            return this
        }

        private fun JSONArray.objects() = List(length()) { getJSONObject(it) }

        private fun tensor(json: JSONObject): Tensor {
            json.has("dtype", "scale", "zero_point")
            val dtype = json.getString("dtype")
            if (dtype == "float32") return Tensor(dtype, 1.0, 0)
            return Tensor(dtype, json.getDouble("scale"), json.getInt("zero_point"))
        }

        /** The bytes of a file that the manifest names, which must have its hash. */
        private fun checked(assets: AssetManager, folder: String, reference: JSONObject): ByteArray {
            val path = reference.getString("path")
            if (!NAME.matches(path)) throw BundleException("path $path leaves the bundle")
            val bytes = assets.open("$folder/$path").use { it.readBytes() }
            val digest = MessageDigest.getInstance("SHA-256").digest(bytes)
            val hash = digest.joinToString("") { "%02x".format(it) }
            if (hash != reference.getString("sha256")) throw BundleException("$path was altered")
            return bytes
        }

        private fun require(condition: Boolean, what: () -> String) {
            if (!condition) throw BundleException("manifest.json: ${what()}")
        }
    }
}
