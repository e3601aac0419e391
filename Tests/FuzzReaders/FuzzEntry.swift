internal import Foundation

/// The reader named by the environment variable READER.
private let reader: FuzzReader = {
  let name = ProcessInfo.processInfo.environment["READER"] ?? ""
  guard let reader = FuzzReader(rawValue: name) else {
    fatalError(
      "READER=\"\(name)\": use one of \(FuzzReader.allCases.map(\.rawValue).joined(separator: ", "))")
  }
  return reader
}()

/// The function that libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  reader.read(Data(UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}
