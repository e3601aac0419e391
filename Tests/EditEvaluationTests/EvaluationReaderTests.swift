import EmojiScenes
import Foundation
import Testing

@testable import EditEvaluation

@Suite("Benchmark in PIE-Bench's format") struct EvaluationReaderTests {
  @Test("records keep the order of the file, and brackets are removed")
  func reading() throws {
    let bench = try EvaluationBench(records: [
      "b": [
        "editing_type_id": 8, "original_prompt": "a [[cat] x]", "mask_size": [512, 256],
        "answer": "right/b.png",
      ],
      "a \"1\"": ["blended_word": ""], "c": ["blended_word": " dog"], "aa": ["blended_word": "cat dog mat"],
      "0": ["blended_word": "cat ", "image_path": "0_random_140/1/0.png"],
    ])
    let records = try bench.benchmark().records
    #expect(records.map(\.id) == ["b", "a \"1\"", "c", "aa", "0"])
    #expect(records.map(\.index) == [0, 1, 2, 3, 4])
    #expect(records[0].originalPrompt == "a cat x" && records[0].editingPrompt == "a dog on the mat")
    #expect(records.map(\.category) == ["8", "1", "1", "1", "1"])
    #expect(records.map(\.sourceWord) == ["cat", nil, nil, "cat", "cat"])
    #expect(records.map(\.targetWord) == ["dog", nil, "dog", "dog", nil])
    #expect(records[0].maskSize == PixelSize(width: 512, height: 256) && records[1].maskSize == nil)
    #expect(records[0].answerPath == "right/b.png" && records[1].answerPath == nil)
    #expect(records[0].maskRuns == [2, 10] && records[0].instruction == "cat to dog")
    #expect(try bench.benchmark().picture(of: records[4]).width == 24)
  }

  @Test(
    "paths outside the folder, and invalid or missing fields, are rejected",
    arguments: [
      ["image_path": "../x.png"], ["image_path": "/etc/x.png"], ["answer": "a/../../b.png"],
      ["image_path": ""],
      ["mask_size": [0, 4]], ["mask_size": [4]], ["mask_size": [65_536, 65_536]], ["mask": nil],
      ["mask": "none"],
      ["editing_type_id": nil], ["original_prompt": 3],
    ] as [[String: (any Sendable)?]])
  func refusedFields(_ fields: [String: (any Sendable)?]) throws {
    let changes = fields.mapValues { $0 as Any? }
    let bench = try EvaluationBench(records: ["a": changes])
    #expect(throws: InputError.self) { try bench.benchmark() }
  }

  @Test("names that cannot be file names are rejected", arguments: ["", ".", "..", "a/b", ".hidden"])
  func refusedNames(_ name: String) throws {
    let bench = try EvaluationBench(records: ["x": [:]])
    let record =
      #"{"image_path": "x.png", "original_prompt": "", "editing_prompt": "", "editing_type_id": "1", "mask": []}"#
    try bench.write("{\"\(name)\": \(record)}", to: "mapping_file.json")
    #expect(throws: InputError.self) { try bench.benchmark() }
  }

  @Test("records that share a picture are rejected with their names")
  func sharedPicture() throws {
    let bench = try EvaluationBench(records: ["a": ["image_path": "p.png"], "b": ["image_path": "p.png"]])
    let error = #expect(throws: InputError.self) { try bench.benchmark() }
    #expect(error?.message.contains("a and b") == true)
  }

  @Test("an empty benchmark is read, and a missing or damaged file is rejected")
  func missing() throws {
    let bench = try EvaluationBench(records: [:])
    #expect(try bench.benchmark().records.isEmpty)
    try bench.write("{", to: "mapping_file.json")
    #expect(throws: InputError.self) { try bench.benchmark() }
    try FileManager.default.removeItem(at: bench.folder.appending(path: "mapping_file.json"))
    #expect(#expect(throws: InputError.self) { try bench.benchmark() }?.kind == .missing)
  }

  @Test("records are selected by category and number")
  func choosing() throws {
    let bench = try EvaluationBench(records: [
      "a": [:], "b": ["editing_type_id": "8"], "c": [:], "d": ["editing_type_id": "0"],
    ])
    let benchmark = try bench.benchmark()
    #expect(try benchmark.records().map(\.id) == ["a", "b", "c", "d"])
    #expect(try benchmark.records(limit: 3).map(\.id) == ["a", "b", "c"])
    #expect(try benchmark.records(ofCategories: ["1", "0"]).map(\.id) == ["a", "c", "d"])
    #expect(try benchmark.records(ofCategories: ["1"], limit: 1).map(\.id) == ["a"])
    #expect(throws: InputError.self) { try benchmark.records(ofCategories: ["1", "7"]) }
  }

  @Test("categories have PIE-Bench's names")
  func names() {
    #expect(
      PIEBench.name(ofCategory: "0") == "random" && PIEBench.name(ofCategory: "8") == "change background")
    #expect(
      PIEBench.name(ofCategory: "10") == "category 10" && PIEBench.name(ofCategory: "x") == "category x")
  }

  @Test("the regions of the demo benchmark are the differences of picture and answer")
  func demo() throws {
    let benchmark = try PIEBench(contentsOf: EmojiScenes.benchmark())
    #expect(benchmark.records.count == 60)
    #expect(benchmark.records.prefix(4).map(\.category) == ["1", "2", "3", "6"])
    for record in [benchmark.records[0], benchmark.records[22], benchmark.records[59]] {
      let picture = try benchmark.picture(of: record)
      let answer = try #require(try benchmark.answer(to: record))
      let region = try record.region(of: picture, crop: picture.bounds, as: picture)
      let differs = (0..<picture.width * picture.height).map { pixel in
        (0..<3).contains { abs(Int(picture.bytes[3 * pixel + $0]) - Int(answer.bytes[3 * pixel + $0])) > 8 }
      }
      #expect(region.pixels == differs)
    }
  }

  @Test("a mask with a raster of another size covers the picture")
  func otherRaster() throws {
    // The left half of a raster with twice the picture's resolution.
    let runs = (0..<32).flatMap { [48 * $0, 24] }
    let bench = try EvaluationBench(records: ["a": ["mask": runs, "mask_size": [48, 32]]])
    let record = try bench.benchmark().records[0]
    let picture = try bench.benchmark().picture(of: record)
    let region = try record.region(of: picture, crop: picture.bounds, as: picture)
    #expect(region.pixels == (0..<24 * 16).map { $0 % 24 < 12 })
  }
}

@Suite("Shard") struct EvaluationShardTests {
  @Test("each element is in one shard, in rotation", arguments: [1, 2, 3, 7, 16])
  func parts(_ count: Int) throws {
    let elements = Array(0..<10)
    let parts = try (1...count).map { try EvaluationShard($0, of: count).part(of: elements) }
    #expect(parts.joined().sorted() == elements)
    #expect(parts.enumerated().allSatisfy { index, part in part.allSatisfy { $0 % count == index } })
  }

  @Test("a shard is parsed from two numbers with a slash")
  func parsing() throws {
    #expect(try EvaluationShard(parsing: "3/16") == EvaluationShard(3, of: 16))
    #expect(try EvaluationShard(parsing: "16/16").description == "16/16")
    for text in ["", "3", "3/", "/3", "a/b", "1/2/3", "0/4", "5/4", "-1/4", "1/0"] {
      #expect(throws: InputError.self, "\(text)") { try EvaluationShard(parsing: text) }
    }
  }
}
