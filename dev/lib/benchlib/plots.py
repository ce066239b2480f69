# SPDX-License-Identifier: GPL-2.0
"""Draws the ratios of a comparison as bars, with a mark where the target is, and how cost grows
with the number of vCPUs as curves."""

import subprocess

import targets

# What is slower than this is cut off; its figure stands there anyway.
WIDEST = 2.0

SCRIPT = """
set terminal svg size 760,{height} font "sans-serif,13" background "white"
set output "{output}"
set title "{title}" noenhanced
set xlabel "ours / theirs, {unit}; | is the target"
set xrange [0:{widest}]
set yrange [{rows} - 0.4:-0.6]
set lmargin 32
set grid xtics
set arrow from 1,graph 0 to 1,graph 1 nohead lt -1
set style fill solid 0.8 noborder
unset key
$rows << EOD
{data}
EOD
plot $rows using 1:0:(0):1:($0 - 0.3):($0 + 0.3):ytic(4) with boxxyerror lc rgb "#4878a8", \\
     $rows using 2:($0 - 0.4):(0):(0.8) with vectors nohead lw 3 lc rgb "#d06020", \\
     $rows using 1:0:3 with labels left offset 0.5,0
"""

CURVES = """
set terminal svg size 860,440 font "sans-serif,13" background "white"
set output "{output}"
set title "Simulated: {title}" noenhanced
set xlabel "vCPUs"
set ylabel "{unit}" noenhanced
set logscale xy
set xtics (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
set xrange [0.9:570]
set format y "%.12g"
set grid
set key outside right center Left reverse noenhanced
{blocks}
plot {plots}
"""
# Colour and width of each design, whatever else is in the plot; what others cover is wider.
DESIGNS = {"exclusive": ("#888888", 2), "without ranges": ("#c03070", 2),
           "unmodified": ("#d06020", 5), "ported": ("#4878a8", 2)}


def row_data(entry, kind):
    ratio = entry[kind]["ours"] / entry[kind]["theirs"]
    label = entry["row"] + (", lock held" if entry["until"] == targets.RETURNED else "")
    target = "NaN" if entry["target"] is None else entry["target"]
    return f'{min(ratio, WIDEST * 0.93)} {target} "{ratio:.2f}" "{label}"'


def draw(path, title, entries, kind):
    entries = [entry for entry in entries if entry["row"] not in targets.LIMITS]
    script = SCRIPT.format(height=90 + 24 * len(entries), output=path, title=title, widest=WIDEST,
                           unit="time" if kind == "ns" else "instructions", rows=len(entries),
                           data="\n".join(row_data(entry, kind) for entry in entries))
    subprocess.run(["gnuplot"], input=script, check=True, text=True)


def curve_style(name):
    """x86's curves are lines, arm64's are dashed, what was published are points."""
    arch, _, design = name.partition(" ")
    if design not in DESIGNS:
        return 'points pt 7 ps 0.7 lc rgb "black"'
    colour, width = DESIGNS[design]
    return f'lines lw {width} dt {1 if arch == "x86" else 2} lc rgb "{colour}"'


def draw_curves(path, title, unit, curves, published):
    """Curves and points by name, each a list of pairs of a number of vCPUs and a value."""
    curves = curves | published
    blocks = "\n".join("\n".join([f"$curve{number} << EOD", *(f"{x} {y}" for x, y in curve), "EOD"])
                       for number, curve in enumerate(curves.values()))
    drawn = ", \\\n     ".join(f'$curve{number} with {curve_style(name)} title "{name}"'
                               for number, name in enumerate(curves))
    script = CURVES.format(output=path, title=title, unit=unit, blocks=blocks, plots=drawn)
    subprocess.run(["gnuplot"], input=script, check=True, text=True)
