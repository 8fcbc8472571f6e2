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

/** How far an output may be off in the self-test; `agreement` is null for quantities. */
data class Limits(val maxAbs: Double, val meanAbs: Double, val agreement: Double?)

/** What every file gives, after dequantisation; CONTRACT.md says what the kinds are. */
data class Output(
    val role: String, val shape: List<Int>, val kind: String,
    val thresholds: List<Double>?, val ranges: List<Pair<Double, Double>>?,
) {
    /** Numbers for one image. */
    val size get() = shape.fold(1) { product, length -> product * length }

    /** One number for two classes: the probability of the second. */
    val isBinary get() = kind == "independent" && shape.last() == 1 && thresholds == null

    val names get() = if (isBinary) 2 else shape.last()
}

data class ModelFile(
    val recipe: String, val path: String, val input: Tensor, val outputs: List<Tensor>,
    val limits: List<Limits>,
)

/** Golden inputs, a byte per value, and the Keras model's outputs for them, an array for each. */
class Golden(val count: Int, val inputs: ByteArray, val outputs: List<FloatArray>)

/** A kerascnn bundle (schema versions 1 to 3) in the app's assets, its files checked. */
class Bundle private constructor(
    val assets: AssetManager,
    val folder: String,
    val height: Int,
    val width: Int,
    val channels: Int,
    val rule: ResizeRule,
    val labels: List<String>,
    val outputs: List<Output>,
    val files: List<ModelFile>,
    private val goldenPath: String,
    private val goldenCount: Int,
    private val version: Int,
) {
    fun file(recipe: String): ModelFile = files.firstOrNull { it.recipe == recipe }
        ?: throw BundleException("no recipe $recipe in the bundle; it has ${files.map { it.recipe }}")

    fun golden(): Golden {
        val arrays = HashMap<String, ByteArray>()
        ZipInputStream(assets.open("$folder/$goldenPath")).use { zip ->
            while (true) arrays[(zip.nextEntry ?: break).name] = zip.readBytes()
        }
        val inputs = npyData(arrays["inputs.npy"], "|u1")
        val expected = outputs.map { output ->
            val name = if (version < 3) "outputs" else output.role
            val raw = npyData(arrays["$name.npy"], "<f4")
            FloatArray(raw.size / 4).also {
                ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(it)
                if (it.size != goldenCount * output.size) {
                    throw BundleException("$goldenPath does not hold what the manifest says")
                }
            }
        }
        if (inputs.size != goldenCount * height * width * channels) {
            throw BundleException("$goldenPath does not hold what the manifest says")
        }
        return Golden(goldenCount, inputs, expected)
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
            if (version !in 1..3) throw BundleException("schema $version: this kit reads 1 to 3")
            val given = if (version < 3) "output" else "outputs"
            manifest.has("schema_version", "versions", "model", "input", given, "labels", "golden",
                "files", "reports")
            val model = manifest.getJSONObject("model").has("name", "task", "classes", "parameters")
            val input = manifest.getJSONObject("input").has("shape", "layout", "color", "range", "resize")
            val resize = input.getJSONObject("resize").has("fit", "filter", "antialias", "pad_value")
            val shape = input.getJSONArray("shape")
            val classes = model.getInt("classes")
            val task = model.getString("task")
            val outputs = if (version < 3) listOf(oldOutput(manifest.getJSONObject("output"), version, task))
            else manifest.getJSONArray("outputs").objects().map { output(it) }
            require(input.getString("layout") == "NHWC" && shape.getInt(0) == 1) { "another layout" }
            require(input.getJSONArray("range").toString() == "[0,255]") { "another range of pixels" }
            require(shape.getInt(3) == if (input.getString("color") == "rgb") 3 else 1) { "colour" }
            require(resize.getString("fit") in setOf("stretch", "crop", "pad")) { "another fit" }
            require(resize.getString("filter") == "bilinear" && resize.getBoolean("antialias")) { "filter" }
            require(outputs.isNotEmpty() && outputs[0].names == classes) { "another number of outputs" }
            require(outputs.map { it.role }.toSet().size == outputs.size) { "a role appears twice" }
            val files = manifest.getJSONArray("files").objects().map { file ->
                val older = version < 3
                file.has("recipe", "path", "bytes", "sha256", "input", given,
                    if (older) "tolerance" else "tolerances")
                checked(assets, folder, file)
                val tensors = if (older) listOf(file.getJSONObject("output"))
                else file.getJSONArray("outputs").objects()
                val limits = if (older) listOf(oldLimits(file.getJSONObject("tolerance"), version, task))
                else file.getJSONArray("tolerances").objects().map { limits(it) }
                require(tensors.size == outputs.size && limits.size == outputs.size) { "outputs of a file" }
                ModelFile(
                    file.getString("recipe"), file.getString("path"),
                    tensor(file.getJSONObject("input")), tensors.map { tensor(it) }, limits,
                )
            }
            val golden = manifest.getJSONObject("golden").has("path", "sha256", "count")
            checked(assets, folder, golden)
            val labels = checked(assets, folder, manifest.getJSONObject("labels").has("path", "sha256"))
                .decodeToString().removeSuffix("\n").split("\n")
            require(labels.size == classes) { "${labels.size} labels for $classes classes" }
            return Bundle(
                assets, folder, shape.getInt(1), shape.getInt(2), shape.getInt(3),
                ResizeRule(resize.getString("fit"), resize.getInt("pad_value")), labels, outputs, files,
                golden.getString("path"), golden.getInt("count"), version,
            )
        }

        private val KINDS = setOf("probabilities", "logits", "independent", "quantities")

        private fun output(json: JSONObject): Output {
            json.has("role", "shape", "kind", "thresholds", "ranges")
            return Output(
                json.getString("role"), json.getJSONArray("shape").ints(), json.getString("kind"),
                json.optJSONArray("thresholds")?.doubles(), ranges(json.optJSONArray("ranges")),
            ).also { checkOutput(it) }
        }

        /** The output of versions 1 and 2, as version 3 says it. */
        private fun oldOutput(json: JSONObject, version: Int, task: String): Output {
            if (version == 1) json.has("shape", "kind") else json.has("shape", "kind", "thresholds", "ranges")
            require(task in OLD_TASKS && (version == 2 || task == "image-classification")) { "another task" }
            val kind = json.getString("kind").let { if (it == "scores") "independent" else it }
            val role = if (task == "image-regression") "values" else "scores"
            return Output(role, json.getJSONArray("shape").ints(), kind,
                json.optJSONArray("thresholds")?.doubles(), ranges(json.optJSONArray("ranges")),
            ).also { checkOutput(it) }
        }

        private val OLD_TASKS = setOf("image-classification", "image-multi-label", "image-regression")

        private fun checkOutput(output: Output) {
            require(output.kind in KINDS) { "output kind ${output.kind}" }
            require(output.shape.size > 1 && output.shape[0] == 1) { "output shape ${output.shape}" }
            for (count in listOfNotNull(output.thresholds?.size, output.ranges?.size)) {
                require(count == output.shape.last()) { "$count thresholds or ranges" }
            }
            require((output.ranges != null) == (output.kind == "quantities")) { "ranges" }
        }

        private fun limits(json: JSONObject): Limits {
            json.has("max_abs", "mean_abs", "agreement")
            val agreement = if (json.isNull("agreement")) null else json.getDouble("agreement")
            return Limits(json.getDouble("max_abs"), json.getDouble("mean_abs"), agreement)
        }

        private fun oldLimits(json: JSONObject, version: Int, task: String): Limits {
            val keys = arrayOf("max_abs", "mean_abs", "top1_agreement")
            json.has(*(if (version == 1) keys else keys + "decision_agreement"))
            val key = mapOf("image-classification" to "top1_agreement",
                "image-multi-label" to "decision_agreement")[task]
            return Limits(json.getDouble("max_abs"), json.getDouble("mean_abs"),
                key?.let { json.getDouble(it) })
        }

        private fun JSONArray.ints() = List(length()) { getInt(it) }

        private fun JSONArray.doubles() = List(length()) { getDouble(it) }

        private fun ranges(json: JSONArray?) = json?.let {
            List(it.length()) { i -> it.getJSONArray(i).doubles().let { (low, high) -> low to high } }
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
