// Unpacks the charts' library out of the page and draws. Without JavaScript, or should it fail, the tables say the same.
(() => {
  const box = document.getElementById("charts");
  const figure = JSON.parse(document.getElementById("figure").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = () => box.clientWidth < 620;
  // The figure names its colours ("--red"); which they are depends on the paper.
  const coloured = (part, palette) =>
    JSON.parse(JSON.stringify(part).replace(/"--([a-z]+)"/g, (found, name) =>
      Object.hasOwn(palette, name) ? JSON.stringify(palette[name]) : found));
  const dressed = (palette) => {
    const layout = coloured(figure.layout, palette);
    Object.assign(layout, {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: palette.ink, size: 11, family: "system-ui, sans-serif" },
      hoverlabel: { ...layout.hoverlabel, bgcolor: palette.paper, bordercolor: palette.rule, font: { color: palette.ink } },
    });
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis/.test(key)) Object.assign(layout[key], { gridcolor: palette.rule, zerolinecolor: palette.rule, linecolor: palette.rule });
      // On a telephone the headings and the legends do not fit on one line; a touch still names every line.
      if (narrow() && /^legend/.test(key)) layout[key].visible = false;
    }
    // The labels were set apart for a wide page: here whoever would stand on the one before it is left out.
    const free = {};
    const perSecond = (box.clientWidth - 64) / (layout.xaxis.range[1] || 1);
    layout.annotations = layout.annotations.filter((note) => {
      if (!narrow() || note.xref === "paper") return true;
      if (note.x * perSecond < (free[note.yshift] ?? -1)) return false;
      free[note.yshift] = note.x * perSecond + note.text.length * 6.2;
      return true;
    });
    return layout;
  };
  const draw = (changes = {}, light = false) => {
    const palette = figure.palette[dark.matches && !light ? "dark" : "light"];
    const settings = { responsive: true, displaylogo: false, displayModeBar: false };
    return Plotly.react(box, coloured(figure.data, palette), { ...dressed(palette), ...changes }, settings);
  };
  const start = async () => {
    const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.appendChild(script);
    if (typeof Plotly === "undefined") throw new Error("the library did not start");
    box.textContent = "";
    await draw();
    dark.addEventListener("change", () => draw());
    const opened = [];
    addEventListener("beforeprint", () => {
      for (const part of document.querySelectorAll("details:not([open])")) {
        part.open = true;
        opened.push(part);
      }
      draw({ width: 680, height: 1000 }, true); // a printed page, in ink that shows on paper
    });
    addEventListener("afterprint", () => {
      for (const part of opened.splice(0)) part.open = false;
      draw();
    });
  };
  if (!figure.data.length) {
    box.textContent = "Nothing was recorded.";
    return;
  }
  // The verdict is painted first; the charts may take a second.
  requestAnimationFrame(() => setTimeout(() => start().catch((error) => {
    console.error(error);
    box.textContent = `The charts need a newer browser; the table below holds the same numbers. (${error})`;
  }), 0));
})();
