import Foundation
import NullTextInversion
import TestSupport
import Testing

@Suite("nti evaluate") struct EvaluateTests {
  /// Creates a benchmark of small pictures; the first record has a ground truth, and the
  /// region of "c" is the whole picture.
  private static func benchmark() throws -> Scratch {
    let scratch = try Scratch()
    let pictures = scratch("bench/annotation_images")
    try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
    var records: [String] = []
    for (index, name) in ["b", "a", "c"].enumerated() {
      var picture = RGBImage(width: 16, height: 16)
      for y in 0..<16 {
        for x in 0..<16 { picture[x, y] = SIMD3(UInt8(16 * x), UInt8(16 * y), UInt8(80 * index)) }
      }
      try picture.write(to: pictures.appendingPathComponent("\(name).png"))
      records.append(
        """
        "\(name)": {"image_path": "\(name).png", "original_prompt": "a [cat] on a mat", \
        "editing_prompt": "a [dog] on a mat", "editing_type_id": "\(index / 2 + 1)", "blended_word": "cat dog", \
        \(index == 0 ? "\"answer\": \"annotation_images/a.png\", " : "")"mask": [\(index == 2 ? "0, 256" : "40, 30")]}
        """)
    }
    try Data("{\(records.joined(separator: ", "))}".utf8).write(to: scratch("bench/mapping_file.json"))
    return scratch
  }

  private func run(_ scratch: Scratch, _ arguments: String...) async throws -> Program.Outcome {
    let common = ["--model", Sample.model, "--steps", "1", "--inner-steps", "0"]
    return try await Program.run(["evaluate", "bench", "-o", "out"] + common + arguments, in: scratch)
  }

  /// Returns the rows of the table without the times.
  private func table(_ scratch: Scratch) throws -> [[String]] {
    let rows = try scratch.text("out/evaluation_result.csv").components(separatedBy: "\r\n").dropLast()
      .map { $0.components(separatedBy: ",") }
    let times = Set(rows[0].indices.filter { rows[0][$0].hasSuffix("|seconds") })
    return rows.map { row in row.indices.filter { !times.contains($0) }.map { row[$0] } }
  }

  @Test("merged shards give the table of a single run") func shards() async throws {
    let (whole, parts) = (try Self.benchmark(), try Self.benchmark())
    let run = try await run(whole, "--method", "direct,ddim")
    #expect(run.status == 0, "\(run.errors)")
    let rows = try table(whole)
    #expect(rows.map { $0[0] } == ["file_id", "b", "a", "c"])
    #expect(rows[0][1] == "ddim+p2p|psnr_unedit_part")
    #expect(rows[0].contains("directinversion+p2p|ssim_unedit_part"))
    // There is nothing to measure outside a region that is the whole picture.
    #expect(rows[3][1...3] == ["nan", "nan", "nan"] && Double(rows[1][1]) != nil)
    #expect(run.output.contains("1 change object") && run.output.contains("2 add object"))
    #expect(run.output.components(separatedBy: "mean").count == 3)

    let first = try await self.run(parts, "--method", "direct,ddim", "--shard", "1/2")
    #expect(first.status == 0 && first.output.contains("4 results of this shard"))
    let early = try await Program.run(["evaluate", "--merge", "out"], in: parts)
    #expect(early.status == 65 && early.errors.contains("2 results are missing"))
    _ = try await self.run(parts, "--method", "direct,ddim", "--shard", "2/2")
    let merged = try await Program.run(["evaluate", "--merge", "out", "--json"], in: parts)
    #expect(merged.status == 0, "\(merged.errors)")
    #expect(try table(parts) == rows)
    // Another method is added to the existing table.
    _ = try await self.run(parts, "--method", "negativePrompt", "--limit", "1")
    #expect(try table(parts)[0].count == 1 + 3 * (rows[0].count - 1) / 2)
    let means = try #require(try merged.json()["methods"] as? [String: [String: Double]])
    #expect(means.count == 2 && means["ddim+p2p"]?["records"] == 3)
    #expect(means["ddim+p2p"]?["answer_psnr_inside"] != nil)
  }

  @Test("a failed record is reported, and the others are evaluated") func failing() async throws {
    let scratch = try Self.benchmark()
    try FileManager.default.removeItem(at: scratch("bench/annotation_images/b.png"))
    let run = try await run(scratch, "--method", "direct", "--json")
    #expect(run.status == 65)
    #expect(run.errors.contains("1 record could not be evaluated: directinversion+p2p/b."))
    let failed = try #require(try run.json()["failed"] as? [String: String])
    #expect(failed["directinversion+p2p/b"]?.contains("There is no file") == true)
    #expect(try table(scratch).map { $0[0] } == ["file_id", "a", "c"])

    let other = try await self.run(scratch, "--method", "direct", "--edit-guidance", "2")
    #expect(other.status == 65 && other.errors.contains("options.edit.guidance (not set, now 2)"))
  }

  @Test(
    "wrong usage is reported before the work begins",
    arguments: [
      ["--shard", "3/2"], ["--shard", "x"], ["--method", "magic"], ["--method", ""], ["--limit", "0"],
      ["--label", "a/b"], ["--method", "direct,ddim", "--label", "x"], ["--merge"], ["--steps", "0"],
    ])
  func usage(_ arguments: [String]) async throws {
    let scratch = try Self.benchmark()
    let run = try await Program.run(
      ["evaluate", "bench", "-o", "out", "--model", Sample.model] + arguments, in: scratch)
    #expect(run.status == 64, "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: scratch.path("out")))
  }

  @Test("a missing folder is a missing input") func missing() async throws {
    let scratch = try Scratch()
    for arguments in [["evaluate", "none"], ["evaluate", "--merge", "none"]] {
      #expect(try await Program.run(arguments, in: scratch).status == 66)
    }
  }
}
