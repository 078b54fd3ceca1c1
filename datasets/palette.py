"""The colour of each class, the same at the desk, in the window and in previews.

The first seven are Okabe and Ito's, which people with any colour vision tell apart. Each
further one is the farthest from all before it, measured in OKLab as seen with full colour
vision (six parts) and with the nearer of deuteranopia and protanopia (four parts), among
colours that are neither too dark, too light nor grey on a photo.

Reference: https://jfly.uni-koeln.de/color/ (Okabe, Ito), https://bottosson.github.io/posts/oklab/,
Machado et al. 2009 for the simulation.
"""

from __future__ import annotations

# fmt: off
COLOURS = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#96004b", "#b400ff",
    "#78ffff", "#0000ff", "#3c5a00", "#690fa5", "#ffb4c3", "#5ad296", "#ff5aff", "#c31ea5", "#4b87ff",
    "#00e100", "#f00069", "#005a69", "#965a5a", "#00b400", "#5aff96", "#69781e", "#c30000", "#e1a5ff",
    "#ffe1b4", "#ff7869", "#784b87", "#96d2e1", "#a569d2", "#694bd2", "#3c96b4", "#a5a578", "#3c7878",
    "#ff1eb4", "#0f4b96", "#e1c387", "#1e5aff", "#ff87c3", "#b487ff", "#b47869", "#4b00d2", "#3cb4a5",
    "#ffd2ff", "#a59600", "#5aff00", "#783c1e", "#966996", "#870078", "#96c33c", "#e12de1", "#009600",
    "#6900ff", "#c3005a", "#a5e1b4", "#d2a5a5", "#693c5a", "#9600c3", "#a596d2", "#d24b96", "#ff002d",
    "#4bb469", "#e169d2", "#a55a00", "#f0c32d", "#a5e169", "#b45aff", "#00694b", "#964bb4", "#a5ffc3",
    "#f05a78", "#f07800", "#0f4bc3", "#1e87d2", "#87874b", "#00d2ff", "#b4b4e1", "#a51e78", "#00875a",
    "#00f0d2", "#b42dd2", "#785aff", "#785a2d", "#d24b4b", "#5a3c87", "#6969c3", "#00a5ff", "#a52d3c",
    "#d28787", "#b4ff69", "#87c3b4", "#ff5aa5", "#783ca5", "#c3b469", "#c3874b", "#b44b78", "#a5a5ff",
    "#00d25a", "#1e6987", "#d2c3ff", "#ffd278", "#007800", "#ff965a", "#b4e1ff", "#00d2d2", "#8787e1",
    "#c3f0e1", "#3c5aa5", "#96000f", "#e187f0", "#1ef069", "#ffd2d2", "#d2f096", "#00f0ff", "#ff0fff",
    "#0069d2", "#784b4b", "#1ea54b", "#9687b4", "#ffa596", "#69a5c3", "#0078f0", "#961e96", "#5a78a5",
    "#ff7896", "#a57800", "#699687", "#c396b4", "#ffa5e1", "#d24bc3", "#e10f00", "#00f0a5", "#3c3ce1",
    "#964be1", "#871ee1", "#ff5a3c", "#a5694b", "#d20f87", "#a54b96", "#c36987", "#4b3ca5", "#b4d200",
    "#6978e1", "#692dc3", "#a5d287", "#e19678", "#a53c00", "#ffc3a5", "#2d8796", "#4b692d", "#d269f0",
    "#b469b4", "#788700", "#ff2d87", "#2dc396", "#875a78", "#78b43c", "#873c69", "#b4a54b", "#87b4c3",
    "#3c4b78", "#4bc300", "#f00096", "#96c3ff", "#2dffc3", "#1e872d", "#ff3ce1", "#00a5a5", "#5a96d2",
    "#b44b3c", "#9678ff", "#d21e4b", "#872dff", "#5a8778", "#e1695a", "#96965a", "#002dd2", "#785aa5",
    "#d200c3", "#2d6969", "#78784b", "#69a578", "#b4f000", "#69c3e1", "#8778b4", "#5a4bf0", "#ffb45a",
    "#8796ff", "#0f5a4b", "#00e187", "#69c369", "#a5c396", "#d21eff", "#d287d2", "#00785a", "#6900e1",
    "#b478e1", "#ff69e1", "#a53c69", "#5a4bb4", "#0087b4", "#4b5a3c", "#1e3cff", "#c3b41e", "#a56978",
    "#87b496", "#d2b496", "#69a51e", "#0f964b", "#96f0a5", "#a57896", "#a55ab4", "#f03c5a", "#f0a5c3",
    "#c378c3", "#1e7896", "#e15ab4", "#872d3c", "#e14bff", "#4be1b4", "#f096e1", "#c35ae1", "#ffb4ff",
    "#5a69e1", "#f000c3", "#ff78ff", "#2de1e1", "#005a87", "#d24b78", "#b48796", "#f0c3e1", "#f078c3",
    "#87d269", "#e15a96", "#78963c", "#d2c35a", "#c3e187", "#4b5a78",
)
# fmt: on
"""Hex colours, `#rrggbb`, no two alike."""


def class_colour(index: int) -> str:
    """The colour of the class at this place of the declared order, as `#rrggbb`; after the last it starts again."""
    return COLOURS[index % len(COLOURS)]
