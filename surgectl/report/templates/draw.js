// Unpacks the charts' library out of the page and draws. Without JavaScript, or should it fail, the tables say the same.
(() => {
  const box = document.getElementById("charts");
  const figure = JSON.parse(document.getElementById("figure").textContent);
  const width = () => box.clientWidth;
  const dressed = (light) => {
    const css = getComputedStyle(document.documentElement);
    const ink = light ? "#1c2024" : css.getPropertyValue("--ink").trim();
    const line = light ? "#d9dde1" : css.getPropertyValue("--line").trim();
    const paper = light ? "#ffffff" : css.getPropertyValue("--bg").trim();
    const layout = JSON.parse(JSON.stringify(figure.layout));
    Object.assign(layout, {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, size: 11, family: "system-ui, sans-serif" },
      hoverlabel: { bgcolor: paper, bordercolor: line, font: { color: ink } },
    });
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis/.test(key)) Object.assign(layout[key], { gridcolor: line, zerolinecolor: line, linecolor: line });
    }
    // On a telephone the headings and the legends do not fit on one line.
    if (width() < 620) {
      for (const note of layout.annotations) if (note.xref === "paper") note.text = note.text.split(",")[0];
    }
    return layout;
  };
  const draw = (changes = {}, light = false) =>
    Plotly.react(box, figure.data, { ...dressed(light), ...changes }, { responsive: true, displaylogo: false, displayModeBar: false });
  const start = async () => {
    const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.appendChild(script);
    if (typeof Plotly === "undefined") throw new Error("the library did not start");
    box.textContent = "";
    await draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
    const opened = [];
    addEventListener("beforeprint", () => {
      for (const part of document.querySelectorAll("section details:not([open])")) {
        part.open = true;
        opened.push(part);
      }
      draw({ width: 680, height: 860 }, true); // a printed page, in ink that shows on paper
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
  setTimeout(() => start().catch((error) => {
    box.textContent = `The charts need a newer browser; the table below holds the same numbers. (${error})`;
  }), 0);
})();
