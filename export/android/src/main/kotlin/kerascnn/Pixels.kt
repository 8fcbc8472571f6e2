// Not compiled and not run by its authors: see README.md.
package kerascnn

import kotlin.math.abs
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min

/** An image: 8-bit values, row by row, `channels` per pixel. */
class Pixels(val width: Int, val height: Int, val channels: Int, val values: IntArray)

/** How an image of another size becomes the input size: the manifest's `input.resize`. */
data class ResizeRule(val fit: String, val padValue: Int)

private const val PRECISION = 22 // bits behind the point of a weight, as in Pillow

private class Weights(val first: Int, val fixed: IntArray)

/** A triangle filter whose support grows when shrinking; weights sum to 1. */
private fun weights(from: Int, size: Int): List<Weights> {
    val scale = from.toDouble() / size
    val support = max(scale, 1.0)
    return List(size) { place ->
        val centre = (place + 0.5) * scale
        val first = max((centre - support + 0.5).toInt(), 0)
        val last = min((centre + support + 0.5).toInt(), from)
        val shares = DoubleArray(last - first) { i ->
            max(0.0, 1.0 - abs((first + i - centre + 0.5) / support))
        }
        val sum = shares.sum()
        Weights(first, IntArray(shares.size) { (0.5 + shares[it] / sum * (1 shl PRECISION)).toInt() })
    }
}

/** Resamples lines of values that lie `stride` apart. */
private fun Pixels.resampled(size: Int, along: Boolean): Pixels {
    val newWidth = if (along) size else width
    val newHeight = if (along) height else size
    val rows = weights(if (along) width else height, size)
    val stride = if (along) channels else width * channels
    val result = IntArray(newWidth * newHeight * channels)
    for (y in 0 until newHeight) for (x in 0 until newWidth) {
        val weight = rows[if (along) x else y]
        for (c in 0 until channels) {
            var at = if (along) (y * width + weight.first) * channels + c
            else (weight.first * width + x) * channels + c
            var sum = 1 shl (PRECISION - 1)
            for (factor in weight.fixed) {
                sum += values[at] * factor
                at += stride
            }
            result[(y * newWidth + x) * channels + c] = (sum shr PRECISION).coerceIn(0, 255)
        }
    }
    return Pixels(newWidth, newHeight, channels, result)
}

/** ARGB pixels, as `Bitmap.getPixels` gives them, over white, to grey (ITU-R 601) or RGB. */
fun fromArgb(argb: IntArray, width: Int, height: Int, channels: Int): Pixels {
    val values = IntArray(width * height * channels)
    for (i in argb.indices) {
        val alpha = argb[i] ushr 24
        val (red, green, blue) = List(3) { c ->
            val colour = (argb[i] shr (16 - 8 * c)) and 255
            (colour * alpha + 255 * (255 - alpha) + 127) / 255
        }
        if (channels == 1) {
            values[i] = (19595 * red + 38470 * green + 7471 * blue + 32768) shr 16
        } else {
            values[3 * i] = red
            values[3 * i + 1] = green
            values[3 * i + 2] = blue
        }
    }
    return Pixels(width, height, channels, values)
}

/** Brings an image to `height` x `width` by a bundle's resize rule; the values, row by row. */
fun Pixels.fitted(height: Int, width: Int, rule: ResizeRule): IntArray {
    var newHeight = height
    var newWidth = width
    if (rule.fit != "stretch") {
        val scales = listOf(height.toDouble() / this.height, width.toDouble() / this.width)
        val scale = if (rule.fit == "crop") scales.max() else min(scales.min(), 1.0)
        val least = if (rule.fit == "crop") listOf(height, width) else listOf(1, 1)
        newHeight = max(least[0], floor(this.height * scale + 0.5).toInt())
        newWidth = max(least[1], floor(this.width * scale + 0.5).toInt())
    }
    var resized = this
    if (resized.width != newWidth) resized = resized.resampled(newWidth, along = true)
    if (resized.height != newHeight) resized = resized.resampled(newHeight, along = false)
    val result = IntArray(height * width * channels) { rule.padValue }
    val fromTop = max(0, (newHeight - height) / 2)
    val fromLeft = max(0, (newWidth - width) / 2)
    val top = max(0, (height - newHeight) / 2)
    val left = max(0, (width - newWidth) / 2)
    for (y in 0 until min(height, newHeight)) {
        val from = ((y + fromTop) * newWidth + fromLeft) * channels
        val to = ((y + top) * width + left) * channels
        resized.values.copyInto(result, to, from, from + min(width, newWidth) * channels)
    }
    return result
}
