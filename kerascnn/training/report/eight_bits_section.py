"""What 8 bits cost: float32 against int8 files made after training and with it."""

from kerascnn.pages import format as page
from kerascnn.pages import frame
from kerascnn.training.eight_bits import EightBits


def eight_bits_section(found: EightBits | None) -> str:
    """The figures of the three, in a table; nothing for a run without such epochs."""
    if found is None:
        return ""
    rows, columns = "", found.float32.rows()[0]
    for name, measured in (
        ("float32", found.float32),
        ("int8, made after training", found.after_training),
        ("int8, quantisation-aware", found.aware),
    ):
        for row in measured.rows()[1]:
            cells = "".join(f"<td>{page.text(value)}</td>" for value in row)
            rows += f'<tr><th scope="row">{page.text(name)}</th>{cells}</tr>'
    heads = "".join(f'<th scope="col">{page.text(head)}</th>' for head in ("network", *columns))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    about = (
        f"The Keras model and two .tflite files on all {found.float32.images:,} {found.split} "
        "images. The last one was trained on with the rounding of 8 bits; int8 exports of this run "
        "are made from it. Small probabilities are rounded to 0, which can make losses larger."
    )
    return frame.section("In 8 bits", table, about=about)
