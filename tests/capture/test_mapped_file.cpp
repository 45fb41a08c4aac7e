// SPDX-License-Identifier: GPL-3.0-or-later
// Files as memory: the right octets, and a program that lives on when the file is cut under it.
#include "capture/io/mapped_file.hpp"
#include "capture/io/file_descriptor.hpp"

#include <QTemporaryDir>
#include <QtTest>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

std::uint8_t octetAt(std::size_t place) { return static_cast<std::uint8_t>(1 + place % 251); }  // never 0

std::size_t zerosIn(ByteView octets)
{
    return static_cast<std::size_t>(std::count(octets.begin(), octets.end(), std::uint8_t{0}));
}

}  // namespace

class TestMappedFile : public QObject {
    Q_OBJECT
    QTemporaryDir dir_;
    static constexpr std::size_t size = 1'000'003;

    FileDescriptor fileOf(std::size_t octets, const char* name = "file")
    {
        QFile file(dir_.filePath(name));
        if (!file.open(QIODevice::WriteOnly)) qFatal("no temporary file");
        QByteArray content(static_cast<qsizetype>(octets), '\0');
        for (std::size_t i = 0; i < octets; ++i) content[static_cast<qsizetype>(i)] = static_cast<char>(octetAt(i));
        file.write(content);
        file.close();
        return FileDescriptor(::open(dir_.filePath(name).toLocal8Bit().constData(), O_RDWR | O_CLOEXEC));
    }

private Q_SLOTS:
    void theOctetsAreThoseOfTheFile()
    {
        const FileDescriptor file = fileOf(size);
        auto mapped = MappedFile::of(file.get());
        QVERIFY(mapped);
        QCOMPARE(mapped->octets().size(), size);
        for (std::size_t at = 0; at < size; at += 60'000) {
            mapped->expect(at, 100'000);
            mapped->release(at);
            for (std::size_t i = at; i < std::min(at + 60'000, size); ++i) QVERIFY(mapped->octets()[i] == octetAt(i));
        }
        mapped->expect(size, 1);
        mapped->expect(2 * size, 1);
        mapped->release(2 * size);
        // What was released comes back from the file.
        QCOMPARE(mapped->octets()[0], octetAt(0));
        QVERIFY(mapped->intact());
        MappedFile moved = std::move(*mapped);
        mapped.reset();
        QVERIFY(moved.octets()[size - 1] == octetAt(size - 1) && moved.intact());
    }

    void whatCannotBeMappedIsNot()
    {
        QVERIFY(!MappedFile::of(-1));
        QVERIFY(!MappedFile::of(fileOf(0).get()));
        QVERIFY(!MappedFile::of(FileDescriptor(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)).get()));
        QVERIFY(!MappedFile::of(FileDescriptor(::open("/dev/zero", O_RDONLY | O_CLOEXEC)).get()));
        const FileDescriptor file = fileOf(10);
        std::vector<MappedFile> all;
        while (auto mapped = MappedFile::of(file.get())) all.push_back(std::move(*mapped));
        QCOMPARE(all.size(), MappedFile::maxMapped);
        all.pop_back();
        QVERIFY(MappedFile::of(file.get()));
    }

    // threat-model: a file is cut while it is read.
    void aFileThatIsCutGivesZerosAndSaysSo()
    {
        const FileDescriptor file = fileOf(size);
        const FileDescriptor other = fileOf(size, "other");
        const auto mapped = MappedFile::of(file.get());
        const auto whole = MappedFile::of(other.get());
        QVERIFY(mapped && whole && mapped->octets()[0] == octetAt(0));
        QCOMPARE(::ftruncate(file.get(), 8192 + 10), 0);
        QVERIFY2(!mapped->intact(), "also before anybody reads what is missing");
        QCOMPARE(zerosIn(mapped->octets()), size - 8192 - 10);
        mapped->expect(0, size);
        QCOMPARE(zerosIn(mapped->octets().first(8192 + 10)), std::size_t{0});
        QCOMPARE(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
        QVERIFY2(!mapped->intact(), "zeros stay zeros");
        QVERIFY(whole->intact() && zerosIn(whole->octets()) == 0);
    }

    void releasedPagesOfACutFileAreNoTrouble()
    {
        const FileDescriptor file = fileOf(size);
        auto mapped = MappedFile::of(file.get());
        QVERIFY(mapped);
        QCOMPARE(::ftruncate(file.get(), 0), 0);
        QCOMPARE(zerosIn(mapped->octets()), size);
        mapped->release(size);
        QCOMPARE(zerosIn(mapped->octets()), size);
    }

    void faultsOfOthersStayWhatTheyAre()
    {
        const FileDescriptor file = fileOf(size);
        QVERIFY(MappedFile::of(file.get()));  // the handler is there
        const pid_t child = ::fork();
        if (child == 0) {
            const FileDescriptor silent(::open("/dev/null", O_WRONLY | O_CLOEXEC));
            ::dup2(silent.get(), STDERR_FILENO);
            void* place = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
            if (place == MAP_FAILED || ::ftruncate(file.get(), 0) != 0) ::_exit(0);
            ::_exit(*static_cast<volatile const std::uint8_t*>(place) & 0);
        }
        QVERIFY(child > 0);
        int status = 0;
        QCOMPARE(::waitpid(child, &status, 0), child);
        // By the signal, or by a sanitizer that tells of it.
        QVERIFY((WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) || (WIFEXITED(status) && WEXITSTATUS(status) != 0));
    }
};

QTEST_APPLESS_MAIN(TestMappedFile)
#include "test_mapped_file.moc"
