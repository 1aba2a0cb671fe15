// The file store against the real file system, compared with what the C++ library sees there.
#include "io/files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>

namespace {

namespace fs = std::filesystem;
using namespace reflow;

std::string text(std::string_view view) { return std::string(view); }

// No file of this process may become larger: how a write comes to fail in the middle.
bool limit_files(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{bytes, bytes};
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

// Writes until so much is taken.
bool write_until(Store::Writer& writer, std::string_view data, std::size_t size) {
    for (std::size_t done = 0; done < size;) {
        auto took = writer.write(data.substr(done));
        if (!took.ok()) return false;
        done += took.value();
    }
    return true;
}

class FileStoreTest : public ::testing::Test {
protected:
    FileStoreTest() {
        std::string pattern = (fs::temp_directory_path() / "reflow-files-XXXXXX").string();
        folder = mkdtemp(pattern.data());
    }
    ~FileStoreTest() override {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }
    std::string path(const std::string& name) const { return (folder / name).string(); }
    void put(const std::string& name, const std::string& content) const {
        std::ofstream(folder / name, std::ios::binary) << content;
    }
    std::string get(const std::string& name) const {
        std::ifstream file(folder / name, std::ios::binary);
        std::ostringstream content;
        content << file.rdbuf();
        return content.str();
    }
    std::ptrdiff_t entries() const {
        return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
    }
    template <typename T>
    void expect_io(const Result<T>& result, const std::string& name, const std::string& part) {
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error().status, REFLOW_ERROR_IO);
        EXPECT_EQ(text(result.error().file), name);
        EXPECT_NE(text(result.error().message).find(part), std::string::npos)
            << result.error().message;
    }

    fs::path folder;
    std::unique_ptr<Store> store = io::make_file_store();
};

// A write that fails behind it leaves the file as it was: keeping it once more loses none of those before.
TEST_F(FileStoreTest, KeepsVersionsOnceForEachReplacement) {
    for (const char* content : {"one", "two", "three"}) {
        ASSERT_TRUE(store->keep_versions(path("file"), 2).ok());
        ASSERT_TRUE(store->write_durable(path("file"), content).ok());
    }
    for (int failed = 0; failed < 3; ++failed) {
        ASSERT_TRUE(store->keep_versions(path("file"), 2).ok());
        EXPECT_EQ(get("file") + get("file.1") + get("file.2"), "threethreetwo");
    }
    ASSERT_TRUE(store->write_durable(path("file"), "four").ok());
    EXPECT_EQ(get("file") + get("file.1") + get("file.2"), "fourthreetwo");
}

TEST_F(FileStoreTest, ReadsWhatIsThere) {
    std::string content = "first\nsecond";
    content.push_back('\0');
    content.append(200'000, 'x');
    put("a.txt", content);
    auto reader = store->open_reader(path("a.txt"));
    ASSERT_TRUE(reader.ok());
    std::string got;
    char buffer[4096];
    for (;;) {
        auto count = reader.value()->read(buffer);
        ASSERT_TRUE(count.ok());
        if (count.value() == 0) break;
        got.append(buffer, count.value());
    }
    EXPECT_EQ(got, content);
    auto whole = store->read_file(path("a.txt"), 1 << 20);
    ASSERT_TRUE(whole.ok());
    EXPECT_EQ(text(whole.value()), content);
}

TEST_F(FileStoreTest, EmptyFileIsEmpty) {
    put("empty", "");
    auto whole = store->read_file(path("empty"), 0);
    ASSERT_TRUE(whole.ok());
    EXPECT_TRUE(whole.value().empty());
}

TEST_F(FileStoreTest, MissingFileNamesFileAndReason) {
    auto reader = store->open_reader(path("none.csv"));
    expect_io(reader, path("none.csv"), "no such file or directory");
    EXPECT_EQ(text(reader.error().message), "cannot open: no such file or directory");
    expect_io(store->read_file(path("none.csv"), 10), path("none.csv"), "no such file");
}

TEST_F(FileStoreTest, BadNamesAreRefused) {
    expect_io(store->open_reader(""), "", "empty");
    expect_io(store->open_reader(std::string_view("a\0b", 3)), "a", "NUL");
    expect_io(store->write_file(std::string(5000, 'x'), "x"), std::string(5000, 'x'), "too long");
}

TEST_F(FileStoreTest, FoldersAreRefusedByName) {
    fs::create_directory(folder / "sub");
    expect_io(store->open_reader(path("sub")), path("sub"), "is a directory");
    expect_io(store->open_writer(path("sub"), false), path("sub"), "is a directory");
    expect_io(store->read_file(path("sub"), 100), path("sub"), "is a directory");
    expect_io(store->write_file(path("sub"), "x"), path("sub"), "is a directory");
}

TEST_F(FileStoreTest, LimitCountsBytes) {
    put("ten", "0123456789");
    EXPECT_TRUE(store->read_file(path("ten"), 10).ok());
    auto refused = store->read_file(path("ten"), 9);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().status, REFLOW_ERROR_LIMIT);
    EXPECT_NE(text(refused.error().message).find("9 bytes"), std::string::npos);
    // A device has no size to look at before.
    EXPECT_EQ(store->read_file("/dev/zero", 100'000).error().status, REFLOW_ERROR_LIMIT);
}

TEST_F(FileStoreTest, WriterMakesFoldersAndTruncates) {
    for (const char* content : {"long content", "short"}) {
        auto writer = store->open_writer(path("x/y/z.txt"), false);
        ASSERT_TRUE(writer.ok()) << writer.error().describe();
        ASSERT_TRUE(writer.value()->write(content).ok());
        ASSERT_TRUE(writer.value()->flush().ok());
        EXPECT_EQ(get("x/y/z.txt"), content);
        ASSERT_TRUE(writer.value()->close().ok());
    }
    auto writer = store->open_writer(path("x/y/z.txt"), true);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer.value()->write(" and more").ok());
    ASSERT_TRUE(writer.value()->close().ok());
    EXPECT_EQ(get("x/y/z.txt"), "short and more");
    EXPECT_EQ(writer.value()->write("late").error().status, REFLOW_ERROR_INVALID_STATE);
}

TEST_F(FileStoreTest, FileInPlaceOfFolderIsNamed) {
    put("plain", "x");
    expect_io(store->open_writer(path("plain/out.txt"), false), path("plain/out.txt"),
              "not a directory");
    // /proc refuses even the superuser.
    auto refused = store->open_writer("/proc/reflow-none/out.txt", false);
    expect_io(refused, "/proc/reflow-none/out.txt", "cannot create the folder '/proc/reflow-none'");
}

TEST_F(FileStoreTest, FullDiskIsTold) {
    auto writer = store->open_writer("/dev/full", false);
    ASSERT_TRUE(writer.ok());
    expect_io(writer.value()->write("x"), "/dev/full", "cannot write: no space left on device");
    expect_io(store->write_file("/dev/full", "x"), "/dev/full", "no space left");
    struct stat about {};
    ASSERT_EQ(::stat("/dev/full", &about), 0);
    EXPECT_TRUE(S_ISCHR(about.st_mode)) << "the device was replaced";
}

TEST_F(FileStoreTest, FailedWriteLeavesWhatWasBefore) {
    // In a child, since the limit acts on the whole process.
    auto tries = [this] {
        auto writer = store->open_writer(path("cut"), false);
        return limit_files(1000) && writer.ok() &&
               writer.value()->write(std::string(600, 'a')).ok() &&
               !writer.value()->write(std::string(600, 'b')).ok() &&
               writer.value()->write(std::string(400, 'c')).ok();
    };
    ASSERT_EXIT(_exit(tries() ? 0 : 1), ::testing::ExitedWithCode(0), "");
    EXPECT_EQ(get("cut"), std::string(600, 'a') + std::string(400, 'c'));
}

TEST_F(FileStoreTest, ReplacesAsAWhole) {
    put("old", "old content");
    fs::permissions(folder / "old", fs::perms::owner_read | fs::perms::owner_write);
    std::ifstream still_open(folder / "old");
    ASSERT_TRUE(store->write_file(path("old"), "new").ok());
    EXPECT_EQ(get("old"), "new");
    // Who had the file open keeps the old one, so it was never half new.
    std::string kept((std::istreambuf_iterator<char>(still_open)), {});
    EXPECT_EQ(kept, "old content");
    EXPECT_EQ(fs::status(folder / "old").permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(entries(), 1);
    ASSERT_TRUE(store->write_file(path("a/b/new"), "deep").ok());
    EXPECT_EQ(get("a/b/new"), "deep");
}

TEST_F(FileStoreTest, ReplacesBehindLinks) {
    put("real", "1");
    fs::create_symlink("real", folder / "link");
    ASSERT_TRUE(store->write_file(path("link"), "2").ok());
    EXPECT_TRUE(fs::is_symlink(folder / "link"));
    EXPECT_EQ(get("real"), "2");
}

TEST_F(FileStoreTest, FailedReplaceLeavesTheOldFileAlone) {
    put("kept", "kept");
    auto tries = [this] {
        return limit_files(1000) && !store->write_file(path("kept"), std::string(2000, 'n')).ok();
    };
    ASSERT_EXIT(_exit(tries() ? 0 : 1), ::testing::ExitedWithCode(0), "");
    EXPECT_EQ(get("kept"), "kept");
    EXPECT_EQ(entries(), 1) << "the temporary file is left behind";
}

TEST_F(FileStoreTest, PipesWork) {
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    std::string sent(300'000, 'p');
    std::thread sender([&] {
        auto writer = store->open_writer(path("pipe"), false);
        if (writer.ok()) (void)write_until(*writer.value(), sent, sent.size());
    });
    auto got = store->read_file(path("pipe"), 1 << 20);
    sender.join();
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(text(got.value()), sent);
}

TEST_F(FileStoreTest, SilentPipeHasNothingYetAndIsNotAtItsEnd) {
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    auto reader = store->open_reader(path("pipe"));
    ASSERT_TRUE(reader.ok());
    char buffer[16];
    EXPECT_EQ(reader.value()->read(buffer).value(), Store::Reader::nothing_yet);
    int writer = ::open(path("pipe").c_str(), O_WRONLY);
    ASSERT_GE(writer, 0);
    EXPECT_EQ(reader.value()->read(buffer).value(), Store::Reader::nothing_yet);
    ASSERT_EQ(::write(writer, "abc", 3), 3);
    EXPECT_EQ(reader.value()->read(buffer).value(), 3U);
    EXPECT_EQ(std::string(buffer, 3), "abc");
    EXPECT_EQ(reader.value()->read(buffer).value(), Store::Reader::nothing_yet);
    ::close(writer);
    EXPECT_EQ(reader.value()->read(buffer).value(), 0U);
}

TEST_F(FileStoreTest, WhoAsksASilentPipeOverAndOverIsHeldUp) {
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    auto reader = store->open_reader(path("pipe"));
    ASSERT_EQ(mkfifo(path("unread").c_str(), 0600), 0);
    auto unread = store->open_writer(path("unread"), false);
    ASSERT_TRUE(reader.ok() && unread.ok());
    auto begin = std::chrono::steady_clock::now();
    char buffer[16];
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(reader.value()->read(buffer).value(), Store::Reader::nothing_yet);
    }
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(50));
    begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i) ASSERT_EQ(unread.value()->write("x").value(), 0U);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(50));
}

TEST_F(FileStoreTest, PipeWithoutReaderTakesNothingYet) {
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    auto writer = store->open_writer(path("pipe"), false);
    ASSERT_TRUE(writer.ok());
    EXPECT_EQ(writer.value()->write("abc").value(), 0U);
    int reader = ::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    EXPECT_EQ(writer.value()->write("abc").value(), 3U);
    char buffer[16];
    EXPECT_EQ(::read(reader, buffer, sizeof buffer), 3);
    // A full pipe takes a part, and then nothing.
    std::string much(1 << 20, 'm');
    std::size_t first = writer.value()->write(much).value();
    EXPECT_GT(first, 0U);
    EXPECT_LT(first, much.size());
    EXPECT_EQ(writer.value()->write(much).value(), 0U);
    ASSERT_TRUE(writer.value()->close().ok());
    EXPECT_FALSE(writer.value()->write("abc").ok());
    ::close(reader);
}

TEST_F(FileStoreTest, WholeFileIntoAPipeIsGivenUp) {
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    expect_io(store->write_file(path("pipe"), "x"), path("pipe"), "nobody reads the pipe");
    int reader = ::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    EXPECT_TRUE(store->write_file(path("pipe"), "x").ok());
    expect_io(store->write_file(path("pipe"), std::string(1 << 20, 'm')), path("pipe"),
              "the pipe is full");
    ::close(reader);
}

TEST_F(FileStoreTest, PipeThatMayNotBeWrittenIsRefused) {
    if (::geteuid() == 0) GTEST_SKIP() << "this user may write everything";
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0400), 0);
    expect_io(store->open_writer(path("pipe"), false), path("pipe"), "permission denied");
}

TEST_F(FileStoreTest, PipeThatIsNoLongerReadIsAnErrorAndNoSignal) {
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    int reader = ::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    auto writer = store->open_writer(path("pipe"), false);
    ASSERT_TRUE(writer.ok());
    ::close(reader);
    // The disposition is the default: the signal would end this process.
    expect_io(writer.value()->write("x"), path("pipe"), "broken pipe");
    sigset_t pending;
    sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGPIPE), 0);
}

TEST_F(FileStoreTest, DescriptorsAreClosedOnExecAndGivenBack) {
    put("a", "a");
    int lowest = ::dup(0);
    ::close(lowest);
    {
        auto reader = store->open_reader(path("a"));
        ASSERT_TRUE(reader.ok());
        EXPECT_EQ(fcntl(lowest, F_GETFD), FD_CLOEXEC);
        auto writer = store->open_writer(path("b"), false);
        ASSERT_TRUE(writer.ok());
        (void)store->open_reader(folder.string()).ok();
        (void)store->write_file(path("c"), "c").ok();
    }
    int again = ::dup(0);
    ::close(again);
    EXPECT_EQ(lowest, again) << "a descriptor is left open";
}

}  // namespace
