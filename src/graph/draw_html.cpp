// A graph as a page, complete in itself: the drawing, to be moved and zoomed, and below it each
// subgraph, closed until it is asked for. Thread: one at a time.
#include <utility>

#include "base/text.hpp"
#include "graph/scene.hpp"
#include "graph/svg.hpp"
#include "graph/words.hpp"

namespace reflow::graph {
namespace {

constexpr std::string_view page_style = R"(
*{box-sizing:border-box}
body{margin:0;font:14px/1.45 Inter,'Helvetica Neue',Arial,'Liberation Sans',sans-serif;
background:var(--page);color:var(--text)}
header{padding:14px 20px;display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline}
h1{font-size:18px;margin:0}
p{margin:0;color:var(--muted)}
.view{position:relative;border-top:1px solid var(--line);overflow:hidden;height:calc(100vh - 54px);
min-height:320px;cursor:grab;touch-action:none}
details .view{height:62vh;border:1px solid var(--line);border-radius:8px;margin-top:10px}
.view:active{cursor:grabbing}
.view svg{position:absolute;left:0;top:0;transform-origin:0 0;max-width:none}
.tools{position:absolute;right:12px;top:12px;display:flex;gap:6px;z-index:1}
.tools button{width:30px;height:30px;border:1px solid var(--line);border-radius:6px;
background:var(--page);color:var(--text);font-size:16px;cursor:pointer}
details{padding:12px 20px;border-top:1px solid var(--line)}
details details{padding:12px 0 0 20px;border-top:0}
summary{cursor:pointer;font-weight:600}
summary span{font-weight:400;color:var(--muted)}
.rf-sub{cursor:pointer}
.rf-sub:hover .rf-box,.rf-node:hover .rf-box{stroke-width:2}
.rf-wire:hover .rf-line{stroke-width:3}
)";

// Each view keeps its own offset and scale. Without scripts the drawings stand as they are.
constexpr std::string_view script = R"(
(function () {
  function setUp(view) {
    var svg = view.querySelector('svg');
    var width = svg.viewBox.baseVal.width, height = svg.viewBox.baseVal.height;
    var x = 0, y = 0, scale = 1, pointers = new Map(), moved = false, spread = 0;
    function show() {
      svg.style.transform = 'translate(' + x + 'px,' + y + 'px) scale(' + scale + ')';
    }
    function fit() {
      if (!view.clientWidth) return;
      scale = Math.min(view.clientWidth / width, view.clientHeight / height, 1.5);
      x = (view.clientWidth - width * scale) / 2;
      y = (view.clientHeight - height * scale) / 2;
      show();
    }
    function zoom(factor, px, py) {
      var next = Math.min(8, Math.max(0.02, scale * factor));
      x = px - (px - x) * next / scale;
      y = py - (py - y) * next / scale;
      scale = next;
      show();
    }
    function middle(factor) { zoom(factor, view.clientWidth / 2, view.clientHeight / 2); }
    view.addEventListener('wheel', function (event) {
      event.preventDefault();
      var box = view.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    view.addEventListener('pointerdown', function (event) {
      if (event.target.closest('.tools')) return;
      pointers.set(event.pointerId, event);
      moved = false;
      spread = 0;
    });
    window.addEventListener('pointermove', function (event) {
      var last = pointers.get(event.pointerId);
      if (!last) return;
      var dx = event.clientX - last.clientX, dy = event.clientY - last.clientY;
      if (Math.abs(dx) + Math.abs(dy) > 3) moved = true;
      pointers.set(event.pointerId, event);
      if (pointers.size === 1) {
        x += dx;
        y += dy;
        show();
      } else {
        var both = Array.from(pointers.values());
        var now = Math.hypot(both[0].clientX - both[1].clientX, both[0].clientY - both[1].clientY);
        var box = view.getBoundingClientRect();
        if (spread) {
          zoom(now / spread, (both[0].clientX + both[1].clientX) / 2 - box.left,
               (both[0].clientY + both[1].clientY) / 2 - box.top);
        }
        spread = now;
      }
    });
    ['pointerup', 'pointercancel'].forEach(function (name) {
      window.addEventListener(name, function (event) { pointers.delete(event.pointerId); });
    });
    view.addEventListener('click', function (event) {
      var sub = event.target.closest('[data-scene]');
      var target = sub && !moved && document.getElementById('scene-' + sub.dataset.scene);
      if (!target) return;
      for (var at = target; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true;
      target.scrollIntoView({ behavior: 'smooth' });
    });
    [['+', 1.25], ['\u2212', 0.8], ['\u2922', 0]].forEach(function (tool) {
      var button = document.createElement('button');
      button.textContent = tool[0];
      button.title = tool[1] === 0 ? 'fit' : tool[1] > 1 ? 'zoom in' : 'zoom out';
      button.onclick = function () { if (tool[1]) middle(tool[1]); else fit(); };
      view.querySelector('.tools').appendChild(button);
    });
    window.addEventListener('resize', fit);
    var around = view.closest('details');
    if (around) around.addEventListener('toggle', fit);
    fit();
  }
  document.querySelectorAll('.view').forEach(setUp);
})();
)";

constexpr std::string_view light_colors =
    ":root{--page:#ffffff;--text:#0f172a;--muted:#64748b;--line:#e2e8f0;color-scheme:light}\n";
constexpr std::string_view dark_colors =
    ":root{--page:#0b1120;--text:#e2e8f0;--muted:#94a3b8;--line:#27344f;color-scheme:dark}\n";

class HtmlDrawing {
public:
    HtmlDrawing(const Scenes& scenes, std::uint32_t depth, bool dark)
        : scenes_(scenes), depth_(depth), dark_(dark) {}

    String run() {
        const Graph& graph = *scenes_[0]->graph;
        String name = xml(graph.name());
        append(out_,
               concat("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                      "<meta name=\"viewport\" content=\"width=device-width\"/>\n<title>",
                      name, "</title>\n<style>\n"));
        // Light unless dark was asked for or the reader's system is dark.
        if (!dark_) {
            append(out_,
                   concat(light_colors, svg_style(false), "@media (prefers-color-scheme:dark){\n"));
        }
        append(out_, concat(dark_colors, svg_style(true), dark_ ? "" : "}\n", page_style,
                            "</style>\n</head>\n<body>\n<header><h1>", name, "</h1><p>"));
        append(out_, concat(counted(graph.node_count(), "node"), ", ",
                            counted(graph.connection_count(), "connection"), ", ",
                            counted(graph.initial_count(), "initial packet"), "</p>"));
        std::string_view description = graph.properties().get("description").text();
        if (!description.empty()) append(out_, concat("<p>", xml(description), "</p>"));
        out_ += "</header>\n";
        view(0, depth_);
        subgraphs();
        append(out_, concat("<script>", script, "</script>\n</body>\n</html>\n"));
        return std::move(out_);
    }

private:
    void view(std::uint32_t scene, std::uint32_t depth) {
        append(out_, "<div class=\"view\"><div class=\"tools\"></div>\n");
        append(out_, draw_svg(scenes_, scene, depth, dark_, true));
        append(out_, "</div>\n");
    }

    // One inside the other, with a stack: each is opened before and closed behind its children.
    void subgraphs() {
        Vector<Vector<std::uint32_t>> children(scenes_.size());
        for (std::uint32_t i = 1; i < scenes_.size(); ++i) {
            children[scenes_[i]->parent].push_back(i);
        }
        struct Frame {
            std::uint32_t scene;
            std::size_t next;
        };
        Vector<Frame> stack{{0, 0}};
        while (!stack.empty()) {
            Frame& top = stack.back();
            if (top.next == children[top.scene].size()) {
                if (top.scene != 0) append(out_, "</details>\n");
                stack.pop_back();
                continue;
            }
            std::uint32_t child = children[top.scene][top.next++];
            const Scene& scene = *scenes_[child];
            append(out_,
                   concat("<details id=\"scene-", child, "\"><summary>", xml(scene.path), " <span>",
                          counted(scene.graph->node_count(), "node"), "</span></summary>\n"));
            view(child, 0);
            stack.push_back({child, 0});
        }
    }

    const Scenes& scenes_;
    std::uint32_t depth_;
    bool dark_;
    String out_;
};

}  // namespace

String draw_html(const Scenes& scenes, std::uint32_t depth, bool dark) {
    return HtmlDrawing(scenes, depth, dark).run();
}

}  // namespace reflow::graph
