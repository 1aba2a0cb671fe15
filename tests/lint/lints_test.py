"""The lints themselves: each has to find what it is for, and to pass what is right."""

import unittest

import banned
import header
import includes
import sizes


def function_of(lines, opening):
    return opening + " {\n" + "    step();\n" * (lines - 2) + "}\n"


class Includes(unittest.TestCase):
    def check(self, name, line):
        files = {"base/text.hpp", "message/message.hpp", "graph/graph.hpp", "runtime/driver.hpp",
                 "runtime/actor.hpp", "network/network.hpp"}
        return includes.check(name, line + "\n", lambda header: header in files)

    def test_arrows(self):
        self.assertFalse(self.check("src/graph/a.cpp", '#include "base/text.hpp"'))
        self.assertFalse(self.check("src/graph/a.cpp", '#include "graph/graph.hpp"'))
        self.assertFalse(self.check("src/capi/a.cpp", '#include "base/text.hpp"'))
        self.assertTrue(self.check("src/base/a.cpp", '#include "message/message.hpp"'))
        self.assertTrue(self.check("src/runtime/a.cpp", '#include "graph/graph.hpp"'))
        self.assertTrue(self.check("src/cli/a.cpp", '#include "base/text.hpp"'))
        self.assertTrue(self.check("src/base/a.cpp", "#include <message/message.hpp>"))

    def test_one_header_of_runtime_is_open_to_io(self):
        self.assertFalse(self.check("src/io/a.cpp", '#include "runtime/driver.hpp"'))
        self.assertTrue(self.check("src/io/a.cpp", '#include "runtime/actor.hpp"'))

    def test_form(self):
        self.assertTrue(self.check("src/base/a.cpp", '#include "text.hpp"'))
        self.assertTrue(self.check("src/base/a.cpp", '#include "../base/text.hpp"'))
        self.assertTrue(self.check("src/base/a.cpp", '#include "base/gone.hpp"'))
        self.assertTrue(self.check("src/nowhere/a.cpp", "#include <vector>"))
        self.assertFalse(self.check("src/base/a.cpp", '// #include "graph/graph.hpp"'))

    def test_foreign(self):
        self.assertFalse(self.check("src/codec/a.cpp", "#include <yaml.h>"))
        self.assertTrue(self.check("src/graph/a.cpp", "#include <yaml.h>"))
        self.assertTrue(self.check("src/graph/a.cpp", "#include <boost/any.hpp>"))
        self.assertTrue(self.check("src/codec/a.cpp", "#include <CLI/CLI.hpp>"))
        self.assertFalse(self.check("src/cli/a.cpp", "#include <CLI/CLI.hpp>"))
        self.assertFalse(self.check("src/base/a.cpp", "#include <vector>\n#include <stdint.h>"))

    def test_world(self):
        self.assertTrue(self.check("src/runtime/a.cpp", "#include <sys/socket.h>"))
        self.assertTrue(self.check("src/graph/a.cpp", "#include <mutex>"))
        self.assertFalse(self.check("src/io/a.cpp", "#include <fcntl.h>"))

    def test_hosts(self):
        own = {"check.h"}.__contains__
        self.assertFalse(includes.check_host("a.c", '#include <reflow.h>\n#include "check.h"', own))
        self.assertTrue(includes.check_host("a.c", '#include "base/text.hpp"', own))
        self.assertTrue(includes.check_host("a.c", "#include <base/text.hpp>", own))


class Sizes(unittest.TestCase):
    def found(self, text):
        return [(name, length) for name, _, length in sizes.functions(text)]

    def test_functions(self):
        text = function_of(4, "int plain(int a)")
        self.assertEqual(self.found(text), [("plain", 4)])
        self.assertEqual(self.found("namespace a {\nclass B : public C {\n" + text + "};\n}\n"),
                         [("plain", 4)])
        self.assertEqual(self.found(function_of(5, "struct x *f(struct y *a)")), [("f", 5)])
        self.assertEqual(self.found(function_of(3, "auto f() const noexcept -> Map<int>")),
                         [("f", 3)])
        self.assertEqual(self.found(function_of(3, "template <class T>\nvoid f(T a)")),
                         [("f", 4)])
        self.assertEqual(self.found(function_of(4, "A::A(int b) : b_{b}, c_(b), d_{}")),
                         [("A::A", 4)])

    def test_what_is_none(self):
        self.assertEqual(self.found("constexpr int table[] = {\n1,\n2};\n"), [])
        self.assertEqual(self.found("enum class E : int {\na,\nb\n};\nstruct S {\nint a{0};\n};\n"),
                         [])

    def test_braces_in_text_and_directives(self):
        self.assertEqual(self.found('void f() {\n  g("{", \'{\');  // {\n  /* { */\n}\n'),
                         [("f", 4)])
        self.assertEqual(self.found("#define A(x) { \\\n  x\nvoid f() {\n}\n"), [("f", 2)])
        self.assertEqual(self.found('auto a = R"(\n{{)";\nvoid f() {\n}\n'), [("f", 2)])
        self.assertEqual(self.found("int a = 1'000'000;\nvoid f() {\n  '}';\n}\n"), [("f", 3)])

    def test_blocks_belong_to_their_function(self):
        text = "void f() {\n  if (a) {\n  }\n  auto g = [](int x) {\n    return x;\n  };\n}\n"
        self.assertEqual(self.found(text + text.replace("f()", "h()")), [("f", 7), ("h", 7)])

    def test_limits(self):
        self.assertFalse(sizes.check("a.cpp", function_of(sizes.FUNCTION_LINES, "void f()")))
        self.assertTrue(sizes.check("a.cpp", function_of(sizes.FUNCTION_LINES + 1, "void f()")))
        self.assertFalse(sizes.check("a.cpp", "\n" * sizes.FILE_LINES))
        self.assertTrue(sizes.check("a.cpp", "\n" * (sizes.FILE_LINES + 1)))


class Banned(unittest.TestCase):
    BAD = [
        "auto t = std::chrono::steady_clock::now();", "int a = rand();", 'getenv("A");',
        "exit(1);", "std::abort();", "std::cout << 1;", 'printf("a");', "fputs(a, stderr);",
        "throw 1;", "thread_local constinit A a{};", "dynamic_cast<A*>(b);",
        "thread_local int a;", "std::this_thread::sleep_for(a);", "signal(SIGINT, a);",
        "// TODO later", "else sleep(1);", "::usleep(1);"]
    GOOD = [
        "// printf(", 'auto a = "exit(1)";', "snprintf(a, b, c);", "scope_exit(a);",
        "clock.now_ns();", "int operand(int);", "on_exit_(a);", "a.exit(1);",
        "void sleep(int ticket);", "events.sleep(1);", "throw;",
        "static thread_local constinit const A* a = nullptr;"]

    def test_words(self):
        for line in self.BAD:
            self.assertTrue(banned.check("src/graph/a.cpp", line), line)
        for line in self.GOOD:
            self.assertFalse(banned.check("src/graph/a.cpp", line), line)

    def test_places(self):
        self.assertFalse(banned.check("src/base/clock.cpp", self.BAD[0]))
        self.assertFalse(banned.check("src/cli/main.cpp", "std::cout << 1;"))


class Header(unittest.TestCase):
    HEAD = ("#define REFLOW_VERSION_MAJOR 0\n#define REFLOW_VERSION_MINOR 2\n"
            "#define REFLOW_VERSION_PATCH 0\nenum {\n    REFLOW_ERROR_IO = -1\n};\n\n")
    FULL = ("/* Text.\n * Ownership: none. Threads: any. Blocking: never.\n"
            " * Errors: REFLOW_ERROR_IO. Since: 0.1.0 */\n")

    def check(self, text):
        return header.check(self.HEAD + text)

    def test_good(self):
        self.assertFalse(self.check(self.FULL + "REFLOW_API void reflow_a(int *b);\n"))
        self.assertFalse(self.check(self.FULL + "REFLOW_API int reflow_a(int b);\n"
                                                "REFLOW_API int reflow_b(int b);\n"))

    def test_bad(self):
        line = "REFLOW_API void reflow_a(int *b);\n"
        self.assertTrue(self.check(line))
        self.assertTrue(self.check(self.FULL + "\n" + line))
        for field in ("Ownership: none. ", "Threads: any. ", "Blocking: never.", "Since: 0.1.0"):
            self.assertTrue(self.check(self.FULL.replace(field, "") + line), field)
        self.assertTrue(self.check(self.FULL.replace("ERROR_IO", "ERROR_OI") + line))
        self.assertTrue(self.check(self.FULL.replace("any", "some") + line))
        self.assertTrue(self.check(self.FULL.replace("0.1.0", "0.3.0") + line))
        self.assertTrue(self.check(self.FULL + line + line))
        self.assertTrue(self.check(self.FULL + "void reflow_b(int *b);\n"))

    def test_shape(self):
        good = ("#include <stdint.h>\ntypedef int32_t reflow_a;\nenum {\n    REFLOW_A = 1,\n"
                "    REFLOW_B = -2\n};\ntypedef struct reflow_c {\n    uint32_t struct_size;\n"
                "    int32_t other;\n} reflow_c;\n")
        self.assertFalse(header.check_shape(good))
        for old, new in ((" = 1", ""), ("-2", "1"), ("REFLOW_B", "B"), ("<stdint.h>", "<uv.h>"),
                         ("uint32_t struct_size", "uint32_t size"), ("reflow_a;", "other_a;"),
                         ("int32_t other", "long other"), ("other;", "other : 3;"),
                         ("int32_t other;", "union { int a; } b;"),
                         ("enum", "#define REFLOW_M(x) x\nenum")):
            self.assertTrue(header.check_shape(good.replace(old, new)), (old, new))


if __name__ == "__main__":
    unittest.main()
