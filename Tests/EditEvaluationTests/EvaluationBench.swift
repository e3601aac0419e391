import EditEvaluation
import Foundation
import NullTextInversion

/// A temporary folder with a benchmark, deleted with its last reference.
final class EvaluationBench {
  let folder: URL
  var output: URL { folder.appending(path: "out") }

  /// Writes a benchmark.
  ///
  /// - Parameters:
  ///   - records: The names of the records, with the fields that differ from a complete record; nil leaves a field out.
  ///   - size: The size of the pictures.
  init(records: KeyValuePairs<String, [String: Any?]>, size: (width: Int, height: Int) = (24, 16)) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString)")
    let pictures = folder.appending(path: "annotation_images")
    try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
    var texts: [String] = []
    for (index, (name, changes)) in records.enumerated() {
      var fields: [String: Any] = [
        "image_path": "\(name).png", "original_prompt": "a [cat] on the mat",
        "editing_prompt": "a [dog] on the mat", "editing_instruction": "cat to dog", "editing_type_id": "1",
        "blended_word": "cat dog", "mask": [2, 10],
      ]
      for (key, value) in changes { fields[key] = value }
      let json = try JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys])
      let key = String(decoding: try JSONEncoder().encode(name), as: UTF8.self)
      texts.append("\(key): \(String(decoding: json, as: UTF8.self))")
      if let path = fields["image_path"] as? String, path.hasSuffix(".png"), !path.hasPrefix(".") {
        let url = pictures.appending(path: path)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Self.picture(seed: index, width: size.width, height: size.height).write(to: url)
      }
    }
    try write("{\(texts.joined(separator: ",\n"))}\n", to: "mapping_file.json")
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: folder.appending(path: path))
  }

  func benchmark() throws -> PIEBench { try PIEBench(contentsOf: folder) }

  /// Returns a picture with a checkerboard and gradients, different for each seed.
  static func picture(seed: Int, width: Int, height: Int) -> RGBImage {
    var picture = RGBImage(width: width, height: height)
    for y in 0..<height {
      for x in 0..<width {
        picture[x, y] = SIMD3(
          UInt8((x * 255 / width + seed * 40) % 256), UInt8(y * 255 / height),
          (x / 4 + y / 4 + seed) % 2 == 0 ? 220 : 30)
      }
    }
    return picture
  }
}
